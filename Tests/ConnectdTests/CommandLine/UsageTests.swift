import ConnectTesting
import Testing

/// What the program says to lines it cannot understand, and how it ends.
@Suite(.serialized) struct UsageTests {
    struct Line: Sendable, CustomTestStringConvertible {
        let words: [String]
        let code: Int32
        let says: String
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(arguments: [
        Line(words: [], code: 0, says: "topics consume"), Line(words: ["--help"], code: 0, says: "Usage: connectd COMMAND"),
        Line(words: ["version"], code: 0, says: "connectd 0.1.0"), Line(words: ["--version"], code: 0, says: "connectd 0.1.0"),
        Line(words: ["help", "topics", "consume"], code: 0, says: "--from-beginning"),
        Line(words: ["topics", "consume", "-h"], code: 0, says: "--value-format"), Line(words: ["versoin"], code: 2, says: "did you mean connectd version?"),
        Line(words: ["topics"], code: 2, says: "needs to be told what to do"), Line(words: ["topics", "lst"], code: 2, says: "did you mean connectd topics list?"),
        Line(words: ["topics", "consume"], code: 2, says: "TOPIC is missing"), Line(words: ["topics", "list", "--ulr", "x"], code: 2, says: "did you mean --url?"),
        Line(words: ["topics", "list", "--url"], code: 2, says: "--url needs a value"), Line(words: ["topics", "list", "x"], code: 2, says: "one word too many: \"x\""),
        Line(words: ["topics", "consume", "t", "--follow", "--data-dir", "x"], code: 2, says: "--follow needs a running worker"),
        Line(words: ["topics", "consume", "t", "--max", "0"], code: 2, says: "--max is \"0\""),
        Line(words: ["topics", "list", "--json", "--url", "http://127.0.0.1:1"], code: 3, says: "no worker answers at http://127.0.0.1:1"),
        Line(words: ["topics", "list", "--data-dir", "missing"], code: 3, says: "there is no data folder missing"),
        Line(words: ["topics", "list", "--url", "localhost"], code: 2, says: "is no address of a worker"),
        Line(words: ["topics", "list", "-o", "xml"], code: 2, says: "no output format"),
    ])
    func linesAreUnderstoodOrRefused(_ line: Line) async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let finished = try ChildProcess.run(line.words, in: folder.path)
            #expect(finished.ending == .exit(line.code), "\(finished.errors)")
            #expect((line.code == 0 ? finished.output : finished.errors).contains(line.says), "\(finished.output)\(finished.errors)")
            if line.code != 0 { #expect(finished.errors.contains("\n    -> "), "\(finished.errors)") }
        }
    }
}
