public import ConnectRuntime

/// An answer: status, header fields, body.
public struct Response: Sendable, Hashable {
    public var status: Int
    public var headers: Headers
    public var body: [UInt8]

    public init(_ status: Int, headers: Headers = Headers(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(_ document: JSON) -> Response { .json(200, document) }

    public static func json(_ status: Int, _ document: JSON, location: String? = nil) -> Response {
        var headers = Headers(["Content-Type": "application/json"])
        if let location { headers.add("Location", location) }
        return Response(status, headers: headers, body: document.serialized())
    }

    public static func empty(_ status: Int) -> Response { Response(status) }

    /// The error body clients parse blindly.
    public static func error(_ status: Int, _ message: String) -> Response { .json(status, errorBody(status, message)) }

    /// A refusal before any handler was reached: Connect sends these without a content type, and so do we.
    static func refusal(_ status: Int) -> Response {
        Response(status, body: errorBody(status, "HTTP \(status) \(reason(status))").serialized())
    }

    /// What Connect says when a handler was found and a part of the path is no value of its type.
    static let noSuchValue = Response.error(404, "HTTP 404 Not Found")

    private static func errorBody(_ status: Int, _ message: String) -> JSON {
        .object([JSON.Member("error_code", .integer(Int64(status))), JSON.Member("message", .string(message))])
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 415: "Unsupported Media Type"
        default: "Error"
        }
    }
}
