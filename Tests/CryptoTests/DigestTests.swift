import Crypto
import Testing

struct DigestTests {
    /// FIPS 180-4's examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func sha256(_ text: String, _ expected: String) { #expect(hex(SHA256.hash(Array(text.utf8))) == expected) }

    /// The one that is set up once says the same, however often and about whatever length it is asked.
    @Test func digesterAgreesWithTheOneShot() {
        let digester = SHA256Digester()
        for count in Array(0..<200) + [1_000, 70_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            var words = bytes.withUnsafeBytes { digester.hash($0) }
            #expect(withUnsafeBytes(of: &words) { Array($0) } == SHA256.hash(bytes))
        }
    }

    /// RFC 4231's second case, and empty ones.
    @Test(arguments: [
        ("Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ("", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ])
    func hmac(_ key: String, _ message: String, _ expected: String) {
        #expect(HMACSHA256.code(key: Array(key.utf8), Array(message.utf8)).map(hex) == expected)
    }

    @Test func secretsCompare() {
        #expect(equalSecrets([1, 2, 3], [1, 2, 3]))
        #expect(!equalSecrets([1, 2, 3], [1, 2, 4]))
        #expect(!equalSecrets([], [0]))
        #expect(equalSecrets([], []))
    }

    private func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
