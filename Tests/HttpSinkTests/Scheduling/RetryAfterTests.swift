import Connectors
import Testing

struct RetryAfterTests {
    /// 1994-11-06T08:49:37Z, the date of RFC 9110's examples.
    static let wall: Int64 = 784_111_777_000

    @Test(arguments: [
        ("0", 0), ("120", 120_000), (" 7 ", 7_000), ("999999999999999999999", 3_600_000), ("7200", 3_600_000),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60_000), ("Sunday, 06-Nov-94 08:50:37 GMT", 60_000), ("Sun Nov  6 08:50:37 1994", 60_000),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("Mon, 07 Nov 2044 08:00:00 GMT", 3_600_000),
    ] as [(String, Int64)])
    func understood(_ text: String, _ expected: Int64) {
        #expect(RetryAfter.milliseconds(text, wallMilliseconds: Self.wall) == expected)
    }

    @Test(arguments: ["", "soon", "-1", "1.5", "12 s"])
    func ignored(_ text: String) { #expect(RetryAfter.milliseconds(text, wallMilliseconds: Self.wall) == nil) }
}
