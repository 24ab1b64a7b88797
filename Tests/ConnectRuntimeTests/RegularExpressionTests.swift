import ConnectRuntime
import Testing

@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("orders", "orders", true), ("orders", "orders2", false), ("orders", "my orders", false), ("a|ab", "ab", true), ("or.*", "orders", true),
        ("", "", true), ("[äö]+", "äöä", true), (".", "\u{1F600}", true), ("x*", "", true),
    ])
    func wholeTextsMatch(pattern: String, text: String, expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected)
    }

    @Test func partsAreFound() throws {
        #expect(try RegularExpression("b+").isFound(in: "abbc"))
        #expect(try !RegularExpression("b+").isFound(in: "acc"))
    }

    @Test func aBadPatternSaysWhere() {
        let error = #expect(throws: SettingError.self) { try RegularExpression("a(b") }
        #expect(error?.message.contains("position 3") == true)
    }

    @Test func anEndlessSearchIsGivenUp() throws {
        let expression = try RegularExpression("(a+)+[bc]")
        #expect(throws: SettingError.self) { try expression.matches(String(repeating: "a", count: 60)) }
    }
}
