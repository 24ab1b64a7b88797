import ConnectRuntime

/// A token and when it is to be renewed. Times are monotonic milliseconds.
struct AccessToken: Sendable {
    let secret: Secret
    /// From here on a new one is fetched; the old one serves while that fails.
    let renewAt: Int64
    let expiresAt: Int64
    /// Tells one token from the next, so that a refused one is renewed once, whoever was refused.
    let version: Int

    /// Where the answer names no lifetime (seconds).
    static let usualLifetime: Int64 = 3600

    /// - Parameter lifetime: seconds as the server said; renewed after 80 % of it.
    init(_ secret: Secret, lifetime: Int64?, version: Int, now: Int64) {
        self.secret = secret
        self.version = version
        let seconds = max(1, min(lifetime ?? Self.usualLifetime, 365 * 86_400))
        renewAt = now + seconds * 800
        expiresAt = now + seconds * 1000
    }

    /// Reads a token endpoint's answer.
    /// - Throws: ``ConnectError``, without the answer's text: it may hold a token.
    static func read(_ body: [UInt8], property: Name, version: Int, now: Int64, from shown: String) throws -> AccessToken {
        guard let document = try? JSON.parse(body, duplicateNames: .lastWins), let token = document[property]?.text, !token.isEmpty, HeaderText.isValue(token) else {
            throw ConnectError(
                .fatal, code: "http.oauth2", "the answer of \(shown) has no text \"\(property)\" that is a token",
                suggestion: "check oauth2.access.token.url and oauth2.response.token.property")
        }
        let lifetime: Int64? =
            switch document["expires_in"] {
            case .number(let text)?: Int64(text) ?? Double(text).flatMap { $0.isFinite && $0 > 0 && $0 < 1e9 ? Int64($0) : nil }
            case .string(let text)?: Int64(text)
            default: nil
            }
        return AccessToken(Secret(token), lifetime: lifetime, version: version, now: now)
    }
}
