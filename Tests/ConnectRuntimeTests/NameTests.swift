import ConnectRuntime
import Testing

@Suite struct NameTests {
    @Test func comparesAsBytes() {
        #expect(Name("é") != Name("e\u{301}"))
        #expect(Set([Name("é"), Name("e\u{301}")]).count == 2)
    }
}
