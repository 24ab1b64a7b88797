internal import CRegex

/// A regular expression of a configuration (PCRE2: closest to Java's, which people's configurations were written for).
///
/// Compiled once per setting. Thread-safe: the compiled code is never changed, every match has its own workspace.
/// A pattern that would search for ever is given up after a bounded number of steps.
/// `@unchecked Sendable`: the only state is the compiled code, which PCRE2 documents as read-only and shareable.
public final class RegularExpression: @unchecked Sendable {
    public let pattern: String
    private let code: OpaquePointer
    private let limits: OpaquePointer?

    /// - Throws: ``SettingError`` that says what is wrong with the pattern and where.
    public init(_ pattern: String) throws(SettingError) {
        var number: Int32 = 0
        var offset = 0
        var copy = pattern
        let compiled = copy.withUTF8 { bytes in
            pcre2_compile_8(bytes.baseAddress, bytes.count, UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP), &number, &offset, nil)
        }
        guard let compiled else {
            var words = [UInt8](repeating: 0, count: 256)
            let count = pcre2_get_error_message_8(number, &words, words.count)
            let text = String(decoding: words.prefix(max(0, Int(count))), as: UTF8.self)
            throw SettingError("is no regular expression: \(text) at position \(offset) of '\(pattern)'")
        }
        self.pattern = pattern
        code = compiled
        limits = pcre2_match_context_create_8(nil)
        if let limits { pcre2_set_match_limit_8(limits, RegularExpression.largestNumberOfSteps) }
    }

    deinit {
        pcre2_match_context_free_8(limits)
        pcre2_code_free_8(code)
    }

    private static let largestNumberOfSteps: UInt32 = 1_000_000

    /// Whether the whole text matches, as Java's `matches`.
    /// - Throws: ``SettingError`` when the search was given up.
    public func matches(_ text: String) throws(SettingError) -> Bool {
        try run(text, options: UInt32(PCRE2_ANCHORED) | UInt32(PCRE2_ENDANCHORED))
    }

    /// Whether a part of the text matches, as Java's `find`.
    /// - Throws: ``SettingError`` when the search was given up.
    public func isFound(in text: String) throws(SettingError) -> Bool { try run(text, options: 0) }

    private func run(_ text: String, options: UInt32) throws(SettingError) -> Bool {
        guard let workspace = pcre2_match_data_create_from_pattern_8(code, nil) else { throw SettingError("no memory to match '\(pattern)'") }
        defer { pcre2_match_data_free_8(workspace) }
        var copy = text
        let result = copy.withUTF8 { bytes in
            withUnsafePointer(to: UInt8(0)) { nothing in
                pcre2_match_8(code, bytes.baseAddress ?? nothing, bytes.count, 0, options, workspace, limits)
            }
        }
        if result >= 0 { return true }
        if result == PCRE2_ERROR_NOMATCH { return false }
        throw SettingError("the regular expression '\(pattern)' needs too many steps for a text of \(text.utf8.count) bytes")
    }
}
