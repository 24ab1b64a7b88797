import ConnectTesting
import Foundation
import Synchronization
import Testing

/// Signatures as a receiver checks them: over exactly the bytes that arrived, whatever they are made of, on every try of a request. The codes are openssl's.
@Suite(.serialized) struct HttpSignatureTests {
    /// Settings of the body, beside what is signed; and how many requests the records make, tries not counted.
    private static let bodies: [String: (settings: [String: String], requests: Int)] = [
        "alone": ([:], 6),
        "record": (["http.body": "record"], 6),
        "ndjson": (["batch.max.size": "4"], 2),
        "array": (["batch.max.size": "4", "batch.format": "array"], 2),
        "object": (["batch.max.size": "4", "batch.format": "object", "batch.object.field": "dätä\""], 2),
        "template": (["batch.max.size": "4", "batch.prefix": "<", "batch.separator": "\\r\\n", "batch.suffix": ">", "http.body.template": "${idempotency_key}=${value}"], 2),
        "gzip": (["batch.max.size": "4", "compression": "gzip"], 2),
        "delete": (["behavior.on.null.values": "delete", "http.url": "/${offset}"], 7),
    ]
    /// Six values, of which the fifth has no key; and a key without a value, which only deletes are made of.
    private static let records =
        #"{"key":"a","value":{"n":1,"t":"ü €"}},{"key":"b","value":"plain \u0000 text"},{"key":"c","value":[ 1, 2.50 ]},{"key":"d","value":true},{"value":12345678901234567890},{"key":"e","value":{}},{"key":"f","value":null}"#
    private static let webhookSecret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", hubSecret = "It's a Secret, ü"

    @Test(arguments: ["hmac-sha256", "standard-webhooks"]) func everyTryIsSignedOverItsBytes(kind: String) async throws {
        try await onThread {
            let receiver = Receiver(), server = try ScriptedServer(keepsRequests: false) { request, _ in receiver.answer(request) }
            defer { server.stop() }
            let start = Receiver.wallSeconds()
            let hook = try Hook(Self.sinks(server.url, kind))
            let worker = try hook.start()
            try hook.post(Self.records)
            let due = Self.bodies.values.reduce(0) { $0 + $1.requests }
            #expect(eventually { receiver.tries.count { $0.isTaken } == due }, "\(receiver.tries.count { $0.isTaken }) of \(due): \(worker.process.errors.suffix(2000))")
            try worker.stop()

            var checked = 0
            for (sink, body) in Self.bodies.sorted(by: { $0.key < $1.key }) {
                let tries = receiver.tries.filter { $0.sink == sink }
                #expect(tries.count { $0.isTaken } == body.requests, "\(sink)")
                #expect(tries.count == 2 * body.requests, "\(sink): each came twice")
                let codes = try Self.codes(tries.map { kind == "hmac-sha256" ? $0.request.body : try $0.signed() }, kind == "hmac-sha256" ? Data(Self.hubSecret.utf8) : try #require(Data(base64Encoded: Self.webhookSecret)), hook.folder)
                for (one, code) in zip(tries, codes) {
                    if kind == "hmac-sha256" {
                        #expect(one.request.headers("X-Signed") == ["sha256=" + code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()], "\(sink)")
                    } else {
                        #expect(one.request.headers("webhook-signature") == ["v1,\(code.base64EncodedString())"], "\(sink)")
                    }
                    checked += 1
                }
                if kind == "standard-webhooks" { try Self.checkTimes(tries, sink, start) }
                try Self.checkBodies(tries, sink)
            }
            #expect(checked == 2 * due)
        }
    }

    /// The time of a try is its own: not before the answer to the try before, so that a receiver that refuses old ones takes it. The id stays.
    private static func checkTimes(_ tries: [Receiver.Try], _ sink: String, _ start: Int) throws {
        var names: Set<String> = []
        for (body, ofBody) in Dictionary(grouping: tries, by: \.request.place) {
            let ids = ofBody.map { $0.request.headers("webhook-id") }
            #expect(Set(ids).count == 1 && ids[0].count == 1, "\(sink): \(body)")
            names.insert(ids[0].first ?? "")
            if let key = ofBody[0].request.header("Idempotency-Key") { #expect(ids[0] == [key], "\(sink)") }
            var earliest = start
            for one in ofBody {
                let time = try #require(one.request.header("webhook-timestamp").flatMap { Int($0) })
                #expect((earliest...one.arrival).contains(time), "\(sink): a try that arrived at \(one.arrival), after an answer at \(earliest), was signed for \(time)")
                earliest = one.answered + (one.asksToWait ? 1 : 0)
            }
        }
        #expect(names.count == tries.count / 2, "\(sink): an id for each request")
    }

    /// The bodies are what the settings say: the check of signatures would be worth little over empty ones.
    private static func checkBodies(_ tries: [Receiver.Try], _ sink: String) throws {
        switch sink {
        case "gzip": #expect(tries.allSatisfy { $0.request.header("Content-Encoding") == "gzip" && $0.request.body.starts(with: [0x1F, 0x8B]) })
        case "delete":
            let deletes = tries.filter { $0.request.method == "DELETE" }
            #expect(deletes.count == 2 && deletes.allSatisfy { $0.request.body.isEmpty && $0.request.target == "/delete/6" })
            #expect(tries.count { !$0.request.body.isEmpty } == 12)
        case "template": #expect(tries.allSatisfy { $0.request.text.hasPrefix("<") && $0.request.text.hasSuffix(">") && $0.request.text.contains("=") })
        default: #expect(tries.allSatisfy { !$0.request.body.isEmpty })
        }
    }

    private static func sinks(_ url: String, _ kind: String) -> [String: [String: String]] {
        var sinks: [String: [String: String]] = [:]
        for (name, body) in bodies {
            var settings = body.settings
            settings["http.url"] = "\(url)/\(name)\(settings["http.url"] ?? "")"
            settings["signature"] = kind
            settings["signature.secret"] = kind == "hmac-sha256" ? hubSecret : "whsec_\(webhookSecret)"
            settings["signature.header"] = "X-Signed"
            if settings["batch.max.size"] != nil { settings["batching.enabled"] = "true" }
            settings.merge(["delivery.lanes": "1", "retry.backoff.ms": "5", "retry.backoff.max.ms": "20", "circuit.breaker.failures": "0"]) { $1 }
            sinks[name] = settings
        }
        return sinks
    }

    /// HMAC-SHA-256 of each, by openssl.
    private static func codes(_ texts: [[UInt8]], _ secret: Data, _ folder: TemporaryFolder) throws -> [Data] {
        let output = folder.file("codes-\(UUID().uuidString)")
        var files: [String] = []
        for (number, text) in texts.enumerated() {
            files.append("\(output)-\(number)")
            try Data(text).write(to: URL(filePath: "\(output)-\(number)"))
        }
        let key = secret.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard try ConnectTesting.ChildProcess.run(["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:\(key)", "-r"] + files, outputPath: output, seconds: 60) == 0 else { throw TestFailure("openssl failed: \((try? String(contentsOfFile: output, encoding: .utf8)) ?? "")") }
        let lines = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
        guard lines.count == texts.count else { throw TestFailure("openssl printed \(lines.count) codes for \(texts.count) texts") }
        return lines.map { line in
            let digits = Array(line.prefix(64))
            return Data(stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) })
        }
    }
}

extension ScriptedRequest {
    /// What tells one request from another, whatever try it is.
    fileprivate var place: String { "\(method) \(target) \(body)" }
}

/// Refuses the first try of every request, the first one of each sink with a wish to wait, and takes the second.
private final class Receiver: Sendable {
    struct Try {
        let request: ScriptedRequest
        /// Wall clock, seconds.
        let arrival: Int
        let answered: Int
        let isTaken: Bool
        let asksToWait: Bool

        var sink: String { String(request.target.split(separator: "/").first ?? "") }

        /// What Standard Webhooks signs.
        func signed() throws -> [UInt8] {
            guard let id = request.header("webhook-id"), let time = request.header("webhook-timestamp") else { throw TestFailure("\(sink): a request without id or time") }
            return Array("\(id).\(time).".utf8) + request.body
        }
    }
    private let state = Mutex<[Try]>([])

    var tries: [Try] { state.withLock { $0 } }

    static func wallSeconds() -> Int { Int(Date().timeIntervalSince1970) }

    func answer(_ request: ScriptedRequest) -> ScriptedAnswer {
        let arrival = Self.wallSeconds()
        return state.withLock { tries in
            let isTaken = tries.contains { $0.request.place == request.place }
            var one = Try(request: request, arrival: arrival, answered: Self.wallSeconds(), isTaken: isTaken, asksToWait: false)
            if !isTaken, !tries.contains(where: { $0.sink == one.sink }) {
                // Longer than a second, so that a try that kept the time of the one before shows.
                one = Try(request: request, arrival: arrival, answered: one.answered, isTaken: false, asksToWait: true)
            }
            tries.append(one)
            return isTaken ? .status(200) : .status(503, headers: one.asksToWait ? [("Retry-After", "2")] : [])
        }
    }
}
