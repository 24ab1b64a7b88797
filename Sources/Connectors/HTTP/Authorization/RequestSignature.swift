import ConnectRuntime
import Crypto

/// Signs what goes out, so that the receiver knows it comes from here and was not changed.
package enum RequestSignature: Sendable {
    /// `sha256=<hex>` over the body in one header.
    case hmac(header: String, secret: [UInt8])
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<Base64>` over `id.timestamp.body` (Standard Webhooks).
    case standardWebhooks(secret: [UInt8])

    /// - Parameter secret: `whsec_<Base64>` is decoded; anything else counts as bytes.
    package static func standardWebhooks(written secret: String) -> RequestSignature {
        let prefix = "whsec_"
        if secret.utf8.starts(with: prefix.utf8), let bytes = Base64.decode(String(decoding: secret.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)) {
            return .standardWebhooks(secret: bytes)
        }
        return .standardWebhooks(secret: Array(secret.utf8))
    }

    /// The header lines for one try. `id` stays the same on every try.
    package func lines(body: [UInt8], id: String, wallSeconds: Int64) -> [String] {
        switch self {
        case .hmac(let header, let secret):
            guard let code = HMACSHA256.code(key: secret, body) else { return [] }
            return ["\(header): sha256=\(Self.hex(code))"]
        case .standardWebhooks(let secret):
            guard let code = HMACSHA256.code(key: secret, Array("\(id).\(wallSeconds).".utf8) + body) else { return [] }
            return ["webhook-id: \(id)", "webhook-timestamp: \(wallSeconds)", "webhook-signature: v1,\(Base64.standard(code))"]
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
