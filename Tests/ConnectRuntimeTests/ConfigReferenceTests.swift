import ConnectRuntime
import Testing

@Suite struct ConfigReferenceTests {
    private let definition = ConfigDefinition()
        .group("Connection", Setting<String>.string("connection.url", importance: .high, "Where it is: a|b."))
        .group("Reading", Setting<Int>.int("batch.max.rows", default: 2000, aliases: ["batch.rows"], "Most rows at once."))

    @Test func writesEveryDeclaredSettingWithItsDefault() {
        let text = ConfigReference.page(sections: [("Every connector", "For all.", definition)], plugins: [])
        #expect(text.contains("| `connection.url` | STRING | *required* | HIGH | Where it is: a\\|b. |"))
        #expect(text.contains("| `batch.max.rows` | INT | `2000` | MEDIUM | Most rows at once. Also written `batch.rows`. |"))
        #expect(text.contains("**Connection**"))
    }
}
