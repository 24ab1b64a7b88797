import ConnectREST
import Testing

struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8083", "127.0.0.1:8083", true), ("http://localhost:1/", "localhost:1", true), ("[::1]:0", "[::1]:0", true),
        (":8083", ":8083", false), ("http://:8083", ":8083", false), ("8083", "127.0.0.1:8083", true), ("0.0.0.0:80", "0.0.0.0:80", false),
        ("127.0.0.1.example:80", "127.0.0.1.example:80", false), ("[::]:80", "[::]:80", false),
    ])
    func addressesAreRead(written: String, shown: String, isLoopback: Bool) throws {
        let address = try #require(ListenAddress(written))
        #expect(address.description == shown)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "a:b", "::1:8083", "1.2.3.4:70000", "1.2.3.4:", "https://x:1", "a/b:1", "[1:2", "[x]:1"])
    func othersAreNot(written: String) { #expect(ListenAddress(written) == nil) }
}
