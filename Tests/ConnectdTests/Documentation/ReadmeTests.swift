import ConnectTesting
import Foundation
import Testing

/// The README's own commands, run in their order as a reader would run them.
@Suite(.serialized) struct ReadmeTests {
    private static let text = (try? String(contentsOf: Repository.root.appending(path: "README.md"), encoding: .utf8)) ?? ""

    /// The contents of the fenced blocks of a language, in their order.
    private static func blocks(_ language: String) -> [String] {
        text.components(separatedBy: "```\(language)\n").dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
    }

    @Test func showsTheRepositorysConnectors() throws {
        let file = try String(contentsOf: Repository.root.appending(path: "connectors.json"), encoding: .utf8)
        #expect(Self.blocks("json").first == file.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    @Test func namesTheTwoCommands() throws {
        let makefile = try String(contentsOf: Repository.root.appending(path: "Makefile"), encoding: .utf8)
        for block in Self.blocks("console") {
            #expect(block.hasPrefix("make "))
            #expect(makefile.contains("\n\(block.dropFirst("make ".count)):"), "\(block)")
        }
        #expect(Self.blocks("console") == ["make quickstart", "make test"])
    }

    @Test func fiveMinutesRunAsWritten() async throws {
        try await onThread { try Self.runFiveMinutes() }
    }

    private static func runFiveMinutes() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "connectd-readme-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(
            at: Repository.root.appending(path: "connectors.json"), to: folder.appending(path: "connectors.json"))
        let shell = blocks("sh")
        guard shell.count == 3 else { throw TestFailure("the README has \(shell.count) sh blocks, three are expected") }
        let port = try Worker.freePort()
        let here = { (command: String) in
            command.replacingOccurrences(of: ".build/release/connectd", with: Environment.program)
                .replacingOccurrences(of: "127.0.0.1:8083", with: "127.0.0.1:\(port)")
        }
        func run(_ command: String, _ name: String) throws -> String {
            let process = try ChildProcess(
                "/bin/sh", ["-e", "-c", here(command)], output: folder.appending(path: name).path, directory: folder.path,
                variables: ["CONNECTD_URL": "http://127.0.0.1:\(port)"])
            guard process.wait(seconds: 60) == .exit(0) else {
                let words = (try? String(contentsOfFile: process.errorPath, encoding: .utf8)) ?? ""
                throw TestFailure("`\(command)` did not end well: \(words)")
            }
            return try String(contentsOfFile: process.outputPath, encoding: .utf8)
        }

        _ = try run(shell[0], "create")
        let lines = shell[1].components(separatedBy: "\n")
        guard lines.count == 2, lines[0].contains(" validate "), lines[1].contains(" standalone ") else {
            throw TestFailure("the README's second block is not validate and standalone")
        }
        _ = try run(lines[0], "validate")
        let arguments = lines[1].split(separator: " ").dropFirst().map(String.init) + ["--listen", "127.0.0.1:\(port)"]
        let worker = try ChildProcess(
            Environment.program, arguments, output: folder.appending(path: "worker").path, directory: folder.path)
        defer {
            worker.send(SIGTERM)
            _ = worker.wait(seconds: 20)
        }
        let copied = eventually(within: 60) {
            (try? run("sqlite3 copy.db 'SELECT count(*) FROM orders'", "count")) == "1\n" ? true : nil
        }
        guard copied == true else { throw TestFailure("the first order did not reach the copy") }
        _ = try run(shell[2].components(separatedBy: "\n")[0], "insert")
        let arrived = eventually(within: 60) {
            (try? run("sqlite3 copy.db 'SELECT id, customer, total FROM orders ORDER BY id'", "rows")) == "1|1|12.5\n2|1|7\n" ? true : nil
        }
        guard arrived == true else { throw TestFailure("the second order did not reach the copy") }
        // The whole block once more but for its insert: it looks, consumes and asks for the status.
        let looks = try run(shell[2].components(separatedBy: "\n").dropFirst().joined(separator: "\n"), "looks")
        guard looks.contains("\"topic\":\"shop.orders\""), looks.contains("\"state\":\"RUNNING\"") else {
            throw TestFailure("the README's looks do not show what they should: \(looks)")
        }
        worker.send(SIGTERM)
        guard worker.wait(seconds: 20) == .exit(0) else { throw TestFailure("the worker did not end with 0 on SIGTERM") }
    }
}
