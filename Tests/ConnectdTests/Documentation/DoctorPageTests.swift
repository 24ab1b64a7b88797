import ConnectTesting
import Foundation
import Testing

/// The page about `doctor`: its commands run as written and print what it shows, and it names every code that is found.
@Suite(.serialized) struct DoctorPageTests {
    private static let text = (try? String(contentsOf: Repository.root.appending(path: "docs/doctor.md"), encoding: .utf8)) ?? ""

    private static func blocks(_ language: String) -> [String] {
        text.components(separatedBy: "```\(language)\n").dropFirst().compactMap { $0.components(separatedBy: "\n```").first }
    }

    @Test func itsCommandsRunAsWritten() async throws {
        try await onThread {
            let folder = try TemporaryFolder(), shell = Self.blocks("sh")
            try #require(shell.count == 3)
            func run(_ command: String, _ name: String) throws -> ChildProcess.Finished {
                let script = "connectd() { '\(Environment.program)' \"$@\"; }\n\(command)"
                let process = try ChildProcess("/bin/sh", ["-e", "-c", script], output: folder.file(name), directory: folder.path)
                let ending = try #require(process.wait(seconds: 60))
                return ChildProcess.Finished(ending: ending, output: process.output, errors: process.errors)
            }
            let first = try run(shell[0], "first")
            #expect(first.ending == .exit(0), "\(first.errors)")
            #expect(first.output == Self.blocks("text")[0] + "\n")
            let second = try run(shell[1], "second")
            #expect(second.ending == .exit(0), "\(second.errors)")
            let json = try #require(second.output.firstIndex(of: "{"))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(second.output[json...].utf8)) as? [String: Any])
            let connectors = try #require(object["connectors"] as? [[String: Any]])
            #expect(connectors.map { $0["name"] as? String } == ["shop", "copy"] && connectors.allSatisfy { $0["ok"] as? Bool == true })
            let severities = connectors.flatMap { $0["findings"] as? [[String: Any]] ?? [] }.map { $0["severity"] as? String }
            #expect(!severities.isEmpty && severities.allSatisfy { $0 == "ok" }, "\(second.output)")
            let third = try run(shell[2], "third")
            #expect(third.ending == .exit(0), "\(third.output)\(third.errors)")
            #expect(third.output.contains("    shop.db") || third.output.contains("copy.db is made at the start"), "\(third.output)")
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".db") }
            #expect(files == ["shop.db"], "nothing was made")
        }
    }

    /// Codes of findings, from the files that make them.
    @Test func itNamesEveryCode() throws {
        let root = Repository.root.appending(path: "Sources/Connectors")
        let paths = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        var codes: Set<String> = []
        for path in paths where path.contains("Check") || path.contains("Doctor") || path.hasSuffix("ArmingFindings.swift") || path.hasSuffix("ServerSettings.swift") {
            guard path.hasSuffix(".swift"), !path.contains("StartChecks") else { continue }
            let source = try String(contentsOf: root.appending(path: path), encoding: .utf8)
            for match in source.matches(of: /"((?:postgres|sqlite|http|file|sink)\.[a-z_.]+)"/) { codes.insert(String(match.1)) }
        }
        #expect(codes.count > 60)
        // What is well has no row of its own.
        let good: Set<String> = [
            "postgres.server", "postgres.settings", "postgres.sessions", "postgres.source.table", "postgres.source.will_arm", "postgres.source.armed", "postgres.source.change_size",
            "postgres.source.reader", "postgres.sink.position", "postgres.sink.table", "postgres.sink.will_create", "postgres.sink.keeps_order", "sqlite.file", "sqlite.will_arm", "sqlite.armed",
            "sqlite.integrity", "sqlite.position", "sqlite.will_create", "sqlite.writable", "http.server", "http.templated", "file.standard_input", "file.standard_output", "file.readable",
            "file.writable", "file.will_create",
        ]
        let unnamed = codes.subtracting(good).filter { !Self.text.contains("`\($0)`") }
        #expect(unnamed.isEmpty, "\(unnamed.sorted())")
    }
}
