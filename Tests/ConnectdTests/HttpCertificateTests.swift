import ConnectTesting
import Foundation
import HttpTesting
import Testing

/// A server whose certificate is no good gets nothing: the task fails at once, says why and what to do, and goes on where it was once the
/// server shows a good one and the task is restarted. So it is at the start, and when a certificate runs out while all is well.
@Suite(.serialized, .enabled(if: Nginx.program != nil, "there is no nginx; scripts/test-servers fetches one"))
struct HttpCertificateTests {
    enum Wrong: String, CaseIterable, Sendable {
        case selfSigned = "self-signed certificate", misnamed = "no alternative certificate subject name matches", expired = "certificate has expired"

        func pair(_ certificates: Certificates) -> Certificates.Pair {
            switch self {
            case .selfSigned: certificates.selfSigned
            case .misnamed: certificates.misnamed
            case .expired: certificates.expired
            }
        }
    }

    @Test(arguments: Wrong.allCases) func nothingIsSentUntilTheServerShowsAGoodOne(_ wrong: Wrong) async throws {
        try await onThread {
            let backend = try ScriptedServer { _, _ in .status(200) }
            defer { backend.stop() }
            let port = Int(try Worker.freePort()), folder = try TemporaryFolder(), certificates = try Certificates(in: folder.path)
            func nginx(_ pair: Certificates.Pair, _ name: String) throws -> Nginx {
                try Nginx(certificates, pair, clients: false, backend: backend.port, folder: folder.file(name), port: port)
            }
            func delivered() -> Set<String> { Set(backend.requests.compactMap { $0.header("Idempotency-Key") }) }

            let hook = try Hook(["out": ["http.url": "https://localhost:\(port)/in?token=s3cret", "tls.ca": certificates.authority, "retry.backoff.ms": "5", "retry.backoff.max.ms": "50"]])
            var server = try nginx(wrong.pair(certificates), "first")
            defer { server.stop() }
            let worker = try hook.start()
            try hook.post(numbers: 10)
            try Self.waitForFailure(worker, wrong)
            try hook.post(numbers: 10)
            #expect(backend.requests.isEmpty)

            server.stop()
            server = try nginx(certificates.server, "second")
            #expect(backend.requests.isEmpty, "a failed task does not go on by itself")
            #expect(try worker.request("POST", "/connectors/out/tasks/0/restart").status == 204)
            #expect(eventually { delivered().count == 20 }, "\(delivered().count) of 20: \(worker.process.errors.suffix(2000))")
            #expect(try worker.taskStates("out").map(\.state) == ["RUNNING"])

            // The good one runs out.
            server.stop()
            server = try nginx(wrong.pair(certificates), "third")
            try hook.post(numbers: 5)
            try Self.waitForFailure(worker, wrong)
            #expect(delivered().count == 20)
            server.stop()
            server = try nginx(certificates.server, "fourth")
            #expect(try worker.request("POST", "/connectors/out/tasks/0/restart").status == 204)
            #expect(eventually { delivered().count == 25 }, "\(delivered().count) of 25: \(worker.process.errors.suffix(2000))")
            try worker.stop()
        }
    }

    private static func waitForFailure(_ worker: Worker, _ wrong: Wrong) throws {
        let trace = try eventually(within: 60) { () -> String? in
            guard let task = try worker.taskStates("out").first, task.state == "FAILED" else { return nil }
            return task.trace ?? ""
        }
        guard let trace else { throw TestFailure("the task did not fail: \(worker.process.errors.suffix(2000))") }
        for words in ["https://localhost:", wrong.rawValue, "tls.ca"] { #expect(trace.contains(words), "\(trace)") }
        #expect(!trace.contains("s3cret"))
    }
}
