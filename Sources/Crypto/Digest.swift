import CCrypto

/// SHA-256, by OpenSSL.
public enum SHA256 {
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = bytes.withUnsafeBufferPointer { CCrypto.SHA256($0.baseAddress, $0.count, &digest) }
        return digest
    }
}

/// SHA-256 of many short texts, one after another: what OpenSSL looks up and sets up for each call of ``SHA256/hash(_:)`` is done once.
/// For one thread at a time.
public final class SHA256Digester {
    private let context: OpaquePointer?
    private let algorithm: OpaquePointer?

    public init() {
        algorithm = EVP_MD_fetch(nil, "SHA256", nil)
        context = algorithm == nil ? nil : EVP_MD_CTX_new()
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_MD_free(algorithm)
    }

    /// The 32 bytes of the hash, eight to a word as they stand in memory.
    public func hash(_ bytes: UnsafeRawBufferPointer) -> SHA256Words {
        var words = SHA256Words()
        let isDone = withUnsafeMutableBytes(of: &words) { digest in
            guard let context, let target = digest.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
            return EVP_DigestInit_ex2(context, algorithm, nil) == 1 && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context, target, nil) == 1
        }
        if !isDone { withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: SHA256.hash(Array(bytes))) } }
        return words
    }
}

/// A SHA-256 hash without memory of its own.
public struct SHA256Words: Sendable, Hashable {
    public var a: UInt64 = 0, b: UInt64 = 0, c: UInt64 = 0, d: UInt64 = 0
    public init() {}
}

/// HMAC with SHA-256 (RFC 2104), by OpenSSL.
public enum HMACSHA256 {
    /// The 32 bytes of the code; `nil` when OpenSSL refuses (a build without SHA-256).
    public static func code(key: [UInt8], _ message: [UInt8]) -> [UInt8]? {
        var code = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        // HMAC() takes no null key, even for zero bytes.
        let key = key.isEmpty ? [0] : key
        guard HMAC(EVP_sha256(), key, Int32(clamping: key.count), message, message.count, &code, &count) != nil else { return nil }
        return Array(code[..<Int(count)])
    }
}

/// Whether two secrets are the same bytes, in a time that tells nothing of where they differ.
public func equalSecrets(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    // Hashed first, so that not even the length of the true one shows.
    let one = SHA256.hash(left), other = SHA256.hash(right)
    return CRYPTO_memcmp(one, other, one.count) == 0
}
