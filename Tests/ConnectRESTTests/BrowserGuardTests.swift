import ConnectREST
import Testing

struct BrowserGuardTests {
    @Test(arguments: [
        (["Host": "127.0.0.1:8083"], true), (["Host": "localhost:8083"], true), (["Host": "[::1]:8083"], true), ([:], true),
        (["Host": "Worker.example:8083"], true), (["Host": "evil.example:8083"], false),
        (["Host": "evil.example:8083", "Origin": "http://evil.example:8083"], false),
        (["Host": "127.0.0.1:8083", "Origin": "http://127.0.0.1:8083"], true),
        (["Host": "127.0.0.1:8083", "Origin": "http://evil.example"], false), (["Host": "127.0.0.1:8083", "Origin": "null"], false),
        (["Host": "127.0.0.1.evil.example"], false),
    ] as [(KeyValuePairs<String, String>, Bool)])
    func onlyRequestsMeantForThisWorkerPass(headers: KeyValuePairs<String, String>, passes: Bool) {
        let refusal = BrowserGuard(allowedHosts: ["worker.example"]).refusal(Headers(headers))
        #expect((refusal == nil) == passes, "\(refusal ?? "passed")")
    }

    @Test func aWorkerBeyondLoopbackIsKnownUnderAnyName() {
        #expect(BrowserGuard(allowedHosts: nil).refusal(Headers(["Host": "anything.example"])) == nil)
        #expect(BrowserGuard(allowedHosts: nil).refusal(Headers(["Host": "a.example", "Origin": "http://b.example"])) != nil)
    }
}
