import Curl
import Testing

struct CurlURLTests {
    @Test(arguments: [
        ("http://127.1/x", "127.0.0.1", 80), ("http://2130706433/", "127.0.0.1", 80), ("http://0x7f.1/", "127.0.0.1", 80),
        ("https://Example.ORG", "example.org", 443), ("https://user:pw@host:8443/a?token=1", "host", 8443), ("http://[::1]:9/", "[::1]", 9),
    ])
    func hostAndPort(_ text: String, _ host: String, _ port: Int) {
        let url = CurlURL(text)
        #expect(url?.host == host)
        #expect(url?.port == port)
    }

    @Test(arguments: ["", "no scheme", "http://", "http://a b/", "http://host:99999/"])
    func refused(_ text: String) { #expect(CurlURL(text) == nil) }

    @Test func whatIsShownHoldsNoSecret() {
        let shown = CurlURL("https://user:pw@host/a?token=abc#frag")?.shown
        #expect(shown == "https://host:443/a?…")
    }
}
