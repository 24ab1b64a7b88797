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
            withUnsafePointer(to: UInt8(0)) { nothing in
                // Without PCRE2_UCP: \d, \w and \s mean ASCII, as Java's.
                pcre2_compile_8(
                    bytes.baseAddress ?? nothing, bytes.count, UInt32(PCRE2_UTF) | UInt32(PCRE2_NEVER_BACKSLASH_C), &number, &offset, nil)
            }
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
        if let limits {
            pcre2_set_match_limit_8(limits, RegularExpression.largestNumberOfSteps)
            pcre2_set_heap_limit_8(limits, RegularExpression.largestWorkspaceKibibytes)
        }
    }

    deinit {
        pcre2_match_context_free_8(limits)
        pcre2_code_free_8(code)
    }

    private static let largestNumberOfSteps: UInt32 = 1_000_000
    private static let largestWorkspaceKibibytes: UInt32 = 16 * 1024

    /// Whether the whole text matches, as Java's `matches`.
    /// - Throws: ``SettingError`` when the search was given up.
    public func matches(_ text: String) throws(SettingError) -> Bool {
        try run(text, options: UInt32(PCRE2_ANCHORED) | UInt32(PCRE2_ENDANCHORED))
    }

    /// Whether a part of the text matches, as Java's `find`.
    /// - Throws: ``SettingError`` when the search was given up.
    public func isFound(in text: String) throws(SettingError) -> Bool { try run(text, options: 0) }

    /// Where the first match and its groups stand, as byte ranges; a group that took no part is `nil`.
    struct Match {
        let range: Range<Int>
        /// By number; 0 is the whole match.
        let groups: [Range<Int>?]
    }

    /// The first match in the text, `nil` when there is none.
    /// - Throws: ``SettingError`` when the search was given up.
    func firstMatch(in text: String) throws(SettingError) -> Match? {
        guard let workspace = pcre2_match_data_create_from_pattern_8(code, nil) else { throw SettingError("no memory to match '\(pattern)'") }
        defer { pcre2_match_data_free_8(workspace) }
        guard try run(text, options: 0, workspace), let positions = pcre2_get_ovector_pointer_8(workspace) else { return nil }
        let groups = (0..<Int(pcre2_get_ovector_count_8(workspace))).map { group -> Range<Int>? in
            let start = positions[2 * group], end = positions[2 * group + 1]
            // Groups that took no part hold the largest unsigned number; \K may put the start behind the end.
            return start >= 0 && start <= end && end <= text.utf8.count ? start..<end : nil
        }
        guard let whole = groups.first ?? nil else { return nil }
        return Match(range: whole, groups: groups)
    }

    /// How many groups the pattern has, the whole match not counted.
    var groupCount: Int {
        var count: UInt32 = 0
        _ = pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
        return Int(count)
    }

    /// The number of a named group.
    func group(named name: String) -> Int? {
        let number = name.withCString { pointer in
            pointer.withMemoryRebound(to: UInt8.self, capacity: name.utf8.count + 1) { pcre2_substring_number_from_name_8(code, $0) }
        }
        return number > 0 ? Int(number) : nil
    }

    private func run(_ text: String, options: UInt32) throws(SettingError) -> Bool {
        guard let workspace = pcre2_match_data_create_from_pattern_8(code, nil) else { throw SettingError("no memory to match '\(pattern)'") }
        defer { pcre2_match_data_free_8(workspace) }
        return try run(text, options: options, workspace)
    }

    private func run(_ text: String, options: UInt32, _ workspace: OpaquePointer) throws(SettingError) -> Bool {
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
