import ConnectRuntime
import Foundation
import Testing

@Suite struct JSONParserTests {
    /// Foundation is the judge of what is a document and what it says.
    @Test(arguments: [
        "null", "true", "[]", "{}", " [ 1 , 2 ] ", "{\"a\":{\"b\":[null,false,\"x\"]}}", "\"\\u00e9\\ud83d\\ude00\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "-0", "1.5", "1e3", "1E-2", "-12.5e+1", "\"é😀\"", "[[[[1]]]]", "9007199254740991", "{\"\":0}", "\"\u{2028}\"", "\"\u{7f}\"",
        // Malformed.
        "", " ", "{", "[", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN",
        "Infinity", "tru", "nul", "truefalse", "1 2", "[1}", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"",
        "\"\n\"", "\"\u{1}\"", "/*c*/1", "[1]]", "\u{feff}1",
    ])
    func agreesWithFoundation(_ text: String) throws {
        let judged = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        let ours = try? JSON.parse(text)
        // Foundation is laxer than RFC 8259: it skips a byte order mark and takes a comma before a closing bracket.
        if text.hasPrefix("\u{feff}") || text == "[1,]" || text == "{\"a\":1,}" {
            #expect(ours == nil)
            return
        }
        #expect((judged == nil) == (ours == nil))
        guard let judged, let ours else { return }
        let again = try JSONSerialization.jsonObject(with: Data(ours.serialized()), options: .fragmentsAllowed)
        #expect((again as? NSObject) == (judged as? NSObject))
    }

    @Test(arguments: [
        ("", 1, 1), ("{\n  \"a\": tru\n}", 2, 8), ("[1,\n 2,\n ,3]", 3, 2), ("{\"a\":1\n\"b\":2}", 2, 1), ("{\"a\":1,\n \"a\":2}", 2, 2), ("[1, 2", 1, 6),
        ("\"abc", 1, 1), ("[\"é\", x]", 1, 8), ("[\"a\\q\"]", 1, 4), ("1 2", 1, 3),
    ])
    func mistakesHaveTheirPlace(text: String, line: Int, column: Int) {
        let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
        #expect(error?.position == JSONPosition(line: line, column: column))
    }

    @Test func membersHaveTheirPlace() throws {
        let json = try JSON.parse("{\n \"a\": {\"b\": 1},\n\n  \"c\": 2}")
        #expect(json.members?.map(\.position) == [JSONPosition(line: 2, column: 2), JSONPosition(line: 4, column: 3)])
        #expect(json["a"]?.members?.first?.position == JSONPosition(line: 2, column: 8))
    }

    @Test func numbersKeepTheirText() throws {
        for text in ["9007199254740993", "123456789012345678901234567890", "0.1000", "1e400", "-0.0"] {
            #expect(try JSON.parse(text) == .number(text))
        }
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(throws: Never.self) { try JSON.parse(nested(512)) }
        #expect(throws: JSONError.self) { try JSON.parse(nested(513)) }
        #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "[{\"a\":", count: 1_000_000)) }
    }

    @Test func duplicateNames() throws {
        #expect(throws: JSONError.self) { try JSON.parse("{\"a\":1,\"\\u0061\":2}") }
        #expect(try JSON.parse("{\"a\":1,\"a\":2}", duplicateNames: .lastWins)["a"] == .number("2"))
        #expect(try JSON.parse("{\"\u{e9}\":1,\"e\u{301}\":2}").members?.count == 2)
    }

    @Test func malformedTextIsRefused() {
        for bytes in [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22]] as [[UInt8]] {
            #expect(throws: JSONError.self) { try JSON.parse(bytes) }
        }
    }

    /// Many members on as many lines: work that grows with the square would take very long.
    @Test func longDocumentsTakeLinearTime() throws {
        var text: [UInt8] = [UInt8(ascii: "{")]
        for number in 0..<50_000 {
            if number > 0 { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: "\n\"member\(number)\":\"\(number)\"".utf8)
        }
        text.append(UInt8(ascii: "}"))
        let json = try JSON.parse(text)
        #expect(json.members?.last?.position == JSONPosition(line: 50_001, column: 1))
    }

    /// Every prefix and every flipped byte of a document is an answer or an error, never a crash, and what is accepted is what Foundation reads.
    @Test func damagedDocuments() throws {
        let document = Array("{\"a\":[1,-2.5e3,\"x\\u00e9\\n\"],\"b\":{\"c\":null,\"d\":true}}".utf8)
        for end in 0..<document.count { #expect(throws: JSONError.self) { try JSON.parse(Array(document[..<end])) } }
        for index in document.indices {
            for bit in 0..<8 {
                var damaged = document
                damaged[index] ^= 1 << UInt8(bit)
                guard let ours = try? JSON.parse(damaged, duplicateNames: .lastWins) else { continue }
                #expect((try? JSONSerialization.jsonObject(with: Data(damaged))) != nil, "\(ours)")
            }
        }
    }
}
