import CCrypto

/// SHA-256, by OpenSSL.
public enum SHA256 {
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = bytes.withUnsafeBufferPointer { CCrypto.SHA256($0.baseAddress, $0.count, &digest) }
        return digest
    }
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
