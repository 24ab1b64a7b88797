package import ConnectRuntime

/// Takes secrets out of what a server said: some repeat the headers they got, and answers go into logs and dead letters.
package struct Redaction: Sendable {
    private let secrets: [[UInt8]]

    /// Shorter secrets would hide ordinary words.
    private static let shortest = 4

    package init(_ secrets: [Secret]) {
        let forms = secrets.map { $0.reveal() }.filter { $0.utf8.count >= Self.shortest }.flatMap(Self.forms)
        self.secrets = Set(forms).sorted { $0.count > $1.count }
    }

    /// As it is, as it stands in a URL, and inside a JSON text.
    private static func forms(_ secret: String) -> [[UInt8]] {
        var quoted = ByteBuffer()
        JSON.writeString(secret, into: &quoted)
        return [Array(secret.utf8), Array(PlaceText.percentEncoded(secret).utf8), Array(quoted.bytes.dropFirst().dropLast())]
    }

    package func adding(_ secret: Secret) -> Redaction { Redaction(secrets.map { Secret(String(decoding: $0, as: UTF8.self)) } + [secret]) }

    package func clean(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for secret in secrets where bytes.count >= secret.count { bytes = Self.replace(secret, in: bytes) }
        return bytes
    }

    private static func replace(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == secret[0], index + secret.count <= bytes.count, bytes[index..<index + secret.count].elementsEqual(secret) {
                out += Secret.hidden.utf8
                index += secret.count
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        return out
    }
}
