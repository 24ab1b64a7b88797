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

@Suite struct RegularReplacementTests {
    @Test(arguments: [
        ("(a)(b)?", "$2x", "a", "x"), ("b", "[$0]", "abc", "a[b]c"), ("a|ab", "-", "ab", "-b"), ("(?<n>b)", "<${n}>", "abc", "a<b>c"),
        ("(a)", "$10", "a", "a0"), ("x", "y", "abc", "abc"), ("b", "\\$\\\\", "abc", "a$\\c"), ("é", "e", "née", "nee"), ("b*", "-", "abc", "-abc"),
    ])
    func theFirstMatchIsReplaced(pattern: String, replacement: String, text: String, expected: String) throws {
        let expression = try RegularExpression(pattern)
        #expect(try RegularReplacement(replacement, of: expression).replacingFirst(expression, in: text) == expected)
    }

    @Test(arguments: ["$", "$1", "${x}", "${x", "a\\", "$x"])
    func badReplacementsAreRefused(_ replacement: String) throws {
        let expression = try RegularExpression("a")
        #expect(throws: SettingError.self) { try RegularReplacement(replacement, of: expression) }
    }

    @Test func wordsAreASCIIAsJavas() throws {
        #expect(try !RegularExpression("\\w+").matches("é"))
        #expect(try !RegularExpression("\\d").matches("\u{0663}"))
    }
}
