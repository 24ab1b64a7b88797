import CCurl

/// Dates as HTTP headers write them, in any of the three forms of RFC 9110.
public enum HTTPDate {
    /// Seconds since 1970, `nil` when it is no date.
    public static func seconds(_ text: String) -> Int64? {
        // The parser takes a bare number for a date of its own kind; a header's is never one.
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let seconds = curl_getdate(text, nil)
        return seconds < 0 ? nil : Int64(seconds)
    }
}
