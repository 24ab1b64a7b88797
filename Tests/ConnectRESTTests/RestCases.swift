import ConnectREST
import ConnectRuntime
import ConnectTesting

/// One request and what must come of it; run against the handlers and over a socket.
struct RestCase: Sendable, CustomStringConvertible {
    let request: String
    var headers: [String: String] = [:]
    var body = ""
    let status: Int
    var type: String? = "application/json"
    /// Must stand in the body.
    var contains = ""
    var location: String?
    var description: String { "\(request) → \(status)" }

    var method: String { String(request.prefix { $0 != " " }) }
    var target: String { String(request.drop { $0 != " " }.dropFirst()) }

    static let json = ["Content-Type": "application/json"]
    /// In this order, on one herder.
    static let all: [RestCase] = [
        RestCase(request: "GET /", status: 200, contains: #"{"version":"4.3.1","commit":"#),
        RestCase(request: "GET /connectors", status: 200, contains: "[]"),
        RestCase(request: "GET /nonsense", status: 404, type: nil, contains: #"{"error_code":404,"message":"HTTP 404 Not Found"}"#),
        RestCase(request: "DELETE /", status: 405, type: nil, contains: #"{"error_code":405,"message":"HTTP 405 Method Not Allowed"}"#),
        RestCase(request: "TRACE /", status: 405, type: nil), RestCase(request: "BREW /", status: 405, type: nil),
        RestCase(request: "BREW /pot", status: 404, type: nil),
        RestCase(request: "GET //connectors", status: 400, contains: "error_code"),
        RestCase(request: "GET /connectors/%zz", status: 400, contains: "error_code"),
        RestCase(request: "OPTIONS /connectors", status: 200, type: "text/plain", contains: "HEAD, POST, GET, OPTIONS"),
        RestCase(request: "POST /connectors", headers: json, body: "{", status: 400, contains: "line 1, column 2"),
        RestCase(request: "POST /connectors", headers: json, status: 400, contains: "empty"),
        RestCase(request: "POST /connectors", headers: json, body: "[]", status: 400),
        RestCase(request: "POST /connectors", headers: json, body: #"{"name":"a"}"#, status: 400, contains: "config"),
        RestCase(request: "POST /connectors", headers: json, body: #"{"name":"a","config":{},"extra":1}"#, status: 400, contains: "Unrecognized field"),
        RestCase(request: "POST /connectors", headers: json, body: #"{"name":"a","config":{"b":{}}}"#, status: 400, contains: #"\"b\""#),
        RestCase(request: "POST /connectors", headers: json, body: #"{"name":"a","config":{},"initial_state":"BOGUS"}"#, status: 400, contains: "BOGUS"),
        RestCase(
            request: "POST /connectors", headers: json, body: #"{"name":"a","config":{"name":"b"}}"#, status: 400,
            contains: "Connector name configuration (b) doesn't match connector name in the URL (a)"),
        RestCase(request: "POST /connectors", headers: ["Content-Type": "text/plain"], body: "{}", status: 415, type: nil),
        RestCase(request: "POST /connectors", headers: ["Accept": "text/html"], body: "{}", status: 406, type: nil),
        RestCase(request: "POST /connectors", headers: ["Origin": "http://evil.example"], body: "{}", status: 403),
        RestCase(
            request: "POST /connectors", headers: json, body: #"{"name":" a/b ","config":{"connector.class":"X","n":1,"yes":true}}"#, status: 201,
            contains: #"{"name":"a/b","config":{"connector.class":"X","n":"1","yes":"true","name":"a/b"},"tasks":[],"type":"source"}"#,
            location: "/connectors/a%2Fb"),
        RestCase(request: "POST /connectors", body: #"{"name":"a/b","config":{}}"#, status: 409, contains: "Connector a/b already exists"),
        RestCase(request: "GET /connectors/a%2Fb/", status: 200, contains: #""tasks":[{"connector":"a/b","task":0}]"#),
        RestCase(request: "HEAD /connectors/a%2Fb", status: 200),
        RestCase(request: "GET /connectors/a%2Fb/config", status: 200, contains: #"{"connector.class":"X","n":"1""#),
        RestCase(
            request: "GET /connectors/a%2Fb/status", status: 200,
            contains: #"{"name":"a/b","connector":{"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"4.3.1"},"tasks":[{"id":0,"#),
        RestCase(request: "GET /connectors/a%2Fb/tasks", status: 200, contains: #"[{"id":{"connector":"a/b","task":0},"config":{"#),
        RestCase(request: "GET /connectors/a%2Fb/tasks/0/status", status: 200, contains: #"{"id":0,"state":"RUNNING""#),
        RestCase(request: "GET /connectors/a%2Fb/tasks/9/status", status: 404, contains: "No status found for task a/b-9"),
        RestCase(request: "GET /connectors/a%2Fb/tasks/x/status", status: 404, contains: "HTTP 404 Not Found"),
        RestCase(request: "POST /connectors/a%2Fb/tasks/7/restart", status: 404, contains: "Unknown task: a/b-7"),
        RestCase(request: "POST /connectors/none/tasks/0/restart", status: 404, contains: "Unknown connector: none"),
        RestCase(request: "GET /connectors?expand=info&expand=status", status: 200, contains: #"{"a/b":{"info":{"name":"#),
        RestCase(request: "GET /connectors?expand=bogus", status: 200, contains: #"{"a/b":{}}"#),
        RestCase(request: "PUT /connectors/a%2Fb/pause", status: 202, type: nil),
        RestCase(request: "POST /connectors/a%2Fb/pause", status: 405, type: nil),
        RestCase(request: "PUT /connectors/none/pause", status: 404, contains: "Unknown connector none"),
        RestCase(request: "GET /connectors/a%2Fb/offsets", status: 200, contains: #"{"offsets":[]}"#),
        RestCase(request: "DELETE /connectors/a%2Fb/offsets", status: 400, contains: "STOPPED"),
        RestCase(request: "DELETE /connectors/none/offsets", status: 404, contains: "Connector none not found"),
        RestCase(request: "PATCH /connectors/none/offsets", headers: json, body: "{}", status: 400, contains: "need to be provided"),
        RestCase(request: "PATCH /connectors/a%2Fb/offsets", headers: json, body: #"{"offsets":[1]}"#, status: 400, contains: "Entry 1"),
        RestCase(request: "PATCH /connectors/a%2Fb/offsets", headers: json, body: #"{"offsets":{}}"#, status: 400, contains: "must be a list"),
        RestCase(request: "PATCH /connectors/a%2Fb/offsets", headers: json, body: #"{"offsets":[{"partition":[],"offset":null}]}"#, status: 400, contains: "partition in entry 1"),
        RestCase(request: "PATCH /connectors/a%2Fb/offsets", headers: json, body: #"{"offsets":[{"place":{}}]}"#, status: 400, contains: "Unrecognized field"),
        RestCase(request: "PUT /connectors/a%2Fb/offsets", headers: json, body: "{}", status: 405, type: nil),
        RestCase(request: "OPTIONS /connectors/a%2Fb/offsets", status: 200, type: "text/plain", contains: "GET"),
        RestCase(request: "GET /connectors/a%2Fb/topics", status: 200, contains: #"{"a/b":{"topics":["used"]}}"#),
        RestCase(request: "GET /connectors/a%2Fb/topics/reset", status: 405, type: nil),
        RestCase(request: "PUT /connectors/a%2Fb/topics", headers: json, body: "{}", status: 405, type: nil),
        RestCase(request: "PUT /connectors/a%2Fb/topics/reset", status: 202, type: nil),
        RestCase(request: "GET /connectors/a%2Fb/topics", status: 200, contains: #"{"a/b":{"topics":[]}}"#),
        RestCase(request: "GET /connectors/none/topics", status: 200, contains: #"{"none":{"topics":[]}}"#),
        RestCase(request: "PUT /connectors/none/topics/reset", status: 202, type: nil),
        RestCase(request: "GET /connectors/none/topics/more", status: 404, type: nil),
        RestCase(request: "PUT /connectors/a%2Fb/resume", status: 202, type: nil),
        RestCase(request: "POST /connectors/a%2Fb/restart", status: 204, type: nil),
        RestCase(request: "POST /connectors/a%2Fb/restart?includeTasks=True", status: 202, contains: "RESTARTING"),
        RestCase(request: "POST /connectors/a%2Fb/restart?includeTasks=maybe", status: 204, type: nil),
        RestCase(request: "POST /connectors/none/restart", status: 404, contains: "Unknown connector: none"),
        RestCase(request: "PATCH /connectors/a%2Fb/config", headers: json, body: #"{"n":null}"#, status: 200, contains: #""connector.class":"X","yes""#),
        RestCase(request: "PATCH /connectors/none/config", headers: json, body: "{}", status: 404, contains: "Connector none not found"),
        RestCase(request: "PUT /connectors/new/config", headers: json, body: #"{"connector.class":"Y"}"#, status: 201, location: "/connectors/new"),
        RestCase(request: "PUT /connectors/new/config", headers: json, body: #"{"connector.class":"Z"}"#, status: 200, contains: #""Z""#),
        RestCase(request: "PUT /connectors/new/config", headers: json, body: "nope", status: 400, contains: "line 1"),
        RestCase(request: "PUT /connectors/new/stop", status: 204, type: nil),
        RestCase(request: "DELETE /connectors/new", status: 204, type: nil),
        RestCase(request: "DELETE /connectors/new", status: 404, contains: "Connector new not found"),
        RestCase(request: "GET /health", status: 200, contains: #"{"status":"healthy","message":"#),
        RestCase(request: "GET /healthz", status: 200), RestCase(request: "GET /connector-plugins", status: 200, contains: "[]"),
        RestCase(request: "GET /connector-plugins/None/config", status: 404, contains: "Unknown plugin None."),
        RestCase(request: "GET /_connectd/connectors/a%2Fb", status: 200, contains: #""warnings":[]"#),
        RestCase(request: "GET /_connectd/topics", status: 200, contains: "[]"),
        RestCase(request: "GET /_connectd/topics/t/records", status: 404, contains: "There is no topic"),
        RestCase(request: "GET /_connectd/topics/t/records?max=0", status: 400, contains: "max"),
    ]
}
