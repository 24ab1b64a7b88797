import ConnectREST
import Testing

struct TargetTests {
    @Test(arguments: [
        ("/", []), ("/connectors", ["connectors"]), ("/connectors/", ["connectors"]), ("/connectors/a%2Fb/status", ["connectors", "a/b", "status"]),
        ("/connectors/pct%2541", ["connectors", "pct%41"]), ("/connectors/plus+plus", ["connectors", "plus+plus"]),
        ("/connectors/%C3%BCn%C3%AF?x=1", ["connectors", "ünï"]), ("/connectors/q%3Fmark", ["connectors", "q?mark"]),
        ("/connectors/with%20space/", ["connectors", "with space"]), ("/a%00b", ["a\u{0}b"]), ("/a#b", ["a"]),
    ] as [(String, [String])])
    func segmentsAreDecodedAfterSplitting(raw: String, segments: [String]) throws {
        #expect(try Target(raw: raw).segments == segments)
    }

    @Test(arguments: ["//connectors", "/a//b", "/a%", "/a%2", "/a%zz", "/%ff", "", "connectors", "*", "http://x/y"])
    func malformedTargetsAreRefused(raw: String) {
        #expect(throws: Target.Malformed.self) { try Target(raw: raw) }
    }

    @Test func queryItemsKeepTheirOrderAndRepeat() throws {
        let target = try Target(raw: "/connectors?expand=info&expand=status&x=a+b%2B&flag=True&empty")
        #expect(target.values("expand") == ["info", "status"])
        #expect(target.value("x") == "a b+")
        #expect(target.flag("flag"))
        #expect(!target.flag("empty"))
        #expect(target.flag("absent", default: true))
    }

    @Test(arguments: ["a/b", "pct%41", "with space", "ünï", "semi;colon", "arrow->name", "h#ash", "q?mark", "plus+plus", "dot.ted", "\u{0}\u{7f}"])
    func anEncodedNameComesBackAsItWas(name: String) throws {
        #expect(try Target(raw: "/connectors/" + PercentEncoding.segment(name)).segments == ["connectors", name])
        #expect(try Target(raw: "/?n=" + PercentEncoding.queryValue(name)).value("n") == name)
    }
}
