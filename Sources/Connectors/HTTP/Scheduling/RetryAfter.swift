import ConnectRuntime
import Curl

/// `Retry-After`: when a server wants to be asked again.
package enum RetryAfter {
    /// A longer wait than this is not taken at its word: whoever asks for more is asked once an hour.
    package static let longest: Int64 = 3_600_000

    /// Milliseconds from now, from either form (seconds or a date); `nil` when it is neither. Never negative, never above ``longest``.
    package static func milliseconds(_ text: String, wallMilliseconds now: Int64) -> Int64? {
        let text = text.trimmedASCII
        if !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            guard let seconds = Int64(text), seconds <= longest / 1000 else { return longest }
            return seconds * 1000
        }
        guard let date = HTTPDate.seconds(text) else { return nil }
        let (milliseconds, isTooFar) = date.multipliedReportingOverflow(by: 1000)
        if isTooFar { return longest }
        return max(0, min(longest, milliseconds - now))
    }
}
