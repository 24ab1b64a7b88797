import ConnectRuntime
import Crypto

/// A way for a client to show that it may write.
enum ProduceCredential: Sendable {
    case bearer(Secret)
    case basic(user: String, Secret)

    var secret: Secret {
        switch self {
        case .bearer(let secret), .basic(_, let secret): secret
        }
    }

    /// What stands in `WWW-Authenticate`.
    var challenge: String {
        switch self {
        case .bearer: "Bearer realm=\"connectd\""
        case .basic: "Basic realm=\"connectd\", charset=\"UTF-8\""
        }
    }

    /// Whether a header's value is this one's, compared in a time that tells nothing.
    func accepts(_ authorization: String) -> Bool {
        let parts = authorization.utf8.split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2 else { return false }
        let scheme = String(decoding: parts[0], as: UTF8.self).lowercased(), rest = Array(parts[1])
        switch self {
        case .bearer(let secret):
            return equalBytes(scheme, "bearer") && equalSecrets(rest, Array(secret.reveal().utf8))
        case .basic(let user, let secret):
            guard equalBytes(scheme, "basic"), let given = Base64.decode(String(decoding: rest, as: UTF8.self)) else { return false }
            return equalSecrets(given, Array("\(user):\(secret.reveal())".utf8))
        }
    }
}
