/// A regular expression that must match a topic's whole name.
package struct TopicPattern: Sendable {
    private let program: Program

    // `@unchecked Sendable`: a compiled expression is never changed after it was made.
    private struct Program: @unchecked Sendable { let regex: Regex<AnyRegexOutput> }

    /// - Throws: ``ConnectError`` of kind `.configuration` with what is wrong.
    package init(_ pattern: String) throws(ConnectError) {
        do {
            program = Program(regex: try Regex(pattern))
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_regex", "Invalid regex: \(error)")
        }
    }

    static func check(_ pattern: String) throws(SettingError) {
        do throws(ConnectError) { _ = try TopicPattern(pattern) } catch { throw SettingError(error.message) }
    }

    package func matches(_ topic: Name) -> Bool { topic.text.wholeMatch(of: program.regex) != nil }
}
