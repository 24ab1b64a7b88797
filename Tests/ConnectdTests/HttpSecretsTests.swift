import ConnectTesting
import Foundation
import Testing

/// A worker with a secret in every place that takes one, and an endpoint that repeats whatever it got: none shows in REST, logs, dead
/// letters or the topics of answers (P10).
@Suite(.serialized) struct HttpSecretsTests {
    private static let mark = "S3CR3T"

    private static func sinks(_ url: String) -> [String: [String: String]] {
        [
            "basic": ["http.url": url + "/a?api_key=\(mark)1", "http.authorization.type": "basic", "auth.user": "u", "auth.password": "\(mark)2", "http.headers.additional": "X-Api-Key:\(mark)3"],
            "bearer": ["http.url": url, "http.authorization.type": "bearer", "auth.token": "\(mark)4\"/", "headers": "Cookie: \(mark)5"],
            "key": ["http.url": url, "http.authorization.type": "apikey", "auth.apikey": "\(mark)6/ü", "auth.apikey.in": "query", "auth.apikey.name": "k"],
            "oauth": ["http.url": url, "http.authorization.type": "oauth2", "oauth2.access.token.url": url + "/token?code=\(mark)7", "oauth2.client.id": "me", "oauth2.client.secret": "\(mark)8"],
            "refused": ["http.url": url, "http.authorization.type": "oauth2", "oauth2.access.token.url": url + "/nothing?code=\(mark)9", "oauth2.client.id": "me", "oauth2.client.secret": "\(mark)10"],
            "signed": ["http.url": url, "signature": "hmac-sha256", "signature.secret": "\(mark)11", "http.authorization.type": "static", "http.headers.authorization": "Custom \(mark)12"],
            "away": ["http.url": "http://127.0.0.1:9/a?sig=\(mark)13", "http.proxy.url": "http://u:\(mark)14@127.0.0.1:9", "max.retries": "1"],
        ]
    }

    @Test func noneShows() async throws {
        try await onThread {
            let server = try ScriptedServer { request, _ in
                if request.target.hasPrefix("/token") { return .status(200, body: "{\"access_token\":\"\(Self.mark)15\"}") }
                return .status(400, body: "you sent \(request.target) \(request.headers.map { "\($0.name): \($0.value)" }) \(request.text)")
            }
            defer { server.stop() }
            let hook = try Hook(Self.tolerant(Self.sinks(server.url)), token: "\(Self.mark)18"), data = hook.data, folder = hook.folder
            let worker = try hook.start()
            try hook.post(#"{"key":"a","value":{"n":1}}"#)
            let states = eventually(within: 30) { () -> Bool? in
                let letters = (try? Self.ends(worker)) ?? [:]
                return letters.count >= 6 && letters.values.allSatisfy { $0 >= 1 } && (try? worker.taskStates("refused").first?.state) == "FAILED" ? true : nil
            }
            #expect(states == true, "every sink has got as far as it can")
            var shown: [String] = []
            for name in Self.sinks("").keys { for part in ["", "/config", "/status", "/tasks"] { shown.append(try worker.request("GET", "/connectors/\(name)\(part)").body) } }
            shown.append(try worker.request("GET", "/connectors?expand=info&expand=status").body)
            shown.append(try worker.request("GET", "/_connectd/connectors").body)
            let wrong = #"{"connector.class":"HttpSink","topics":"in","http.url":"http://u:S3CR3T16@h/?token=S3CR3T17"}"#
            shown.append(try worker.request("PUT", "/connectors/wrong/config", body: wrong).body)
            shown.append(try worker.request("PUT", "/connector-plugins/HttpSink/config/validate", body: wrong).body)
            try worker.stop()
            shown.append(worker.process.errors)
            for name in Self.sinks("").keys where name != "refused" {
                for line in try TopicDump(topic: "letters-\(name)", dataDirectory: data, folder: folder.path).lines { shown.append("\(line.headers)") }
                for line in try TopicDump(topic: "errors-\(name)", dataDirectory: data, folder: folder.path).lines { shown.append("\(line.value ?? "") \(line.headers)") }
            }
            for text in shown {
                if let place = text.range(of: Self.mark) { Issue.record("a secret shows: …\(text[..<place.upperBound].suffix(200))") }
            }
            #expect(shown.contains { $0.contains("you sent") && $0.contains("[hidden]") })
        }
    }

    /// How many dead letters each sink has.
    private static func ends(_ worker: Worker) throws -> [String: Int] {
        let answer = try worker.request("GET", "/_connectd/topics").body
        let topics = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [[String: Any]] ?? []
        return topics.reduce(into: [:]) { found, topic in
            if let name = topic["name"] as? String, name.hasPrefix("letters-"), name != "letters-refused" { found[name] = topic["records"] as? Int ?? 0 }
        }
    }

    private static func tolerant(_ sinks: [String: [String: String]]) -> [String: [String: String]] {
        sinks.reduce(into: [:]) { all, sink in
            all[sink.key] = sink.value.merging([
                "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "letters-\(sink.key)", "errors.deadletterqueue.context.headers.enable": "true",
                "errors.deadletterqueue.topic.replication.factor": "1", "errors.log.enable": "true", "errors.log.include.messages": "true", "error.topic": "errors-\(sink.key)", "retry.backoff.ms": "5",
            ]) { $1 }
        }
    }
}
