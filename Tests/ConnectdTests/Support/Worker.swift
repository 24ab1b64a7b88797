import Foundation
import Glibc

/// A standalone worker under test, on a port of its own, with its data folder in a test's folder.
final class Worker {
    let process: ChildProcess
    let port: UInt16

    /// Starts it; does not wait until it is ready.
    init(_ files: [String], folder: String, dataDirectory: String, port: UInt16, name: String = "worker", settings: [String] = [], variables: [String: String] = [:]) throws {
        self.port = port
        var arguments = ["standalone"] + files + ["--data-dir", dataDirectory, "--listen", "127.0.0.1:\(port)"]
        for setting in settings { arguments += ["--set", setting] }
        process = try ChildProcess(Environment.program, arguments, output: "\(folder)/\(name)", directory: folder, variables: variables)
    }

    /// Waits for the line that says so.
    func waitUntilReady(seconds: Double = 30) throws {
        let ready = eventually(within: seconds) { () -> Bool? in
            if process.errors.contains(" ready") { return true }
            return process.isRunning ? nil : false
        }
        if ready != true { throw TestFailure("the worker is not ready: \(process.wait(seconds: 0).map(\.description) ?? "still running"); it said:\n\(process.errors)") }
    }

    /// SIGTERM; must end with 0.
    func stop(seconds: Double = 30) throws {
        process.send(SIGTERM)
        let ending = process.wait(seconds: seconds)
        if ending != .exit(0) {
            let words = ending.map(\.description) ?? "still running after \(seconds) s"
            throw TestFailure("the worker did not stop cleanly: \(words); it said:\n\(process.errors.suffix(4000))")
        }
    }

    func request(_ method: String, _ path: String, body: String? = nil) throws -> HTTPAnswer {
        try HTTPAnswer.of(method, path, body: body, port: port)
    }

    /// State and trace of a connector's tasks, by number.
    func taskStates(_ connector: String) throws -> [(state: String, trace: String?)] {
        let answer = try request("GET", "/connectors/\(connector)/status")
        guard answer.status == 200, let status = try answer.object(), let tasks = status["tasks"] as? [[String: Any]] else { return [] }
        return tasks.map { ($0["state"] as? String ?? "", $0["trace"] as? String) }
    }

    /// A port nobody listens on right now. The range lies below the one the kernel takes clients' ports from, so that none of those takes it first.
    static func freePort() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: 20000..<32000)
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(listener) }
            var address = HTTPAnswer.loopback(port)
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            if bound == 0 { return port }
        }
        throw TestFailure("no free port")
    }
}
