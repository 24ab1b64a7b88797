/// A regular expression that must match a topic's whole name.
package struct TopicPattern: Sendable {
    private let expression: RegularExpression

    /// - Throws: ``ConnectError`` of kind `.configuration` with what is wrong.
    package init(_ pattern: String) throws(ConnectError) {
        do {
            expression = try RegularExpression(pattern)
        } catch {
            throw ConnectError(.configuration, code: "config.invalid_regex", "Invalid regex: \(error.message)")
        }
    }

    static func check(_ pattern: String) throws(SettingError) {
        do throws(ConnectError) { _ = try TopicPattern(pattern) } catch { throw SettingError(error.message) }
    }

    /// A name that the expression cannot be decided for within its bound of steps does not match.
    package func matches(_ topic: Name) -> Bool { (try? expression.matches(topic.text)) ?? false }
}
