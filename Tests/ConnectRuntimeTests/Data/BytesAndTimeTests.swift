import ConnectRuntime
import Foundation
import Testing

@Suite struct BytesAndTimeTests {
    @Test func base64AgreesWithFoundation() {
        for count in 0..<70 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.standard(bytes) == text)
            #expect(Base64.decode(text) == bytes)
            #expect(Base64.decode(Base64.urlSafe(bytes)) == bytes)
        }
    }

    @Test(arguments: ["A", "AA=", "A===", "AQID=", "AQ=D", "A Q", "!!!!", "AQ\n"]) func noBase64(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func datesAgreeWithFoundation() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
        // From 1600 on: before October 1582 Foundation's calendar is the Julian one.
        for seconds in stride(from: -11_670_000_000 as Int64, to: 30_000_000_000, by: 9_876_543) {
            let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second, .weekday], from: Date(timeIntervalSince1970: Double(seconds)))
            let time = CivilTime(milliseconds: seconds * 1000 + 7)
            #expect(time.year == Int64(parts.year ?? 0) && time.month == parts.month && time.day == parts.day, "\(seconds)")
            #expect(time.hour == parts.hour && time.minute == parts.minute && time.second == parts.second && time.millisecond == 7)
            #expect(time.weekday + 1 == parts.weekday)
        }
        for extreme in [Int64.min, Int64.max, -1, 0, -86_400_000] { #expect((1...12).contains(CivilTime(milliseconds: extreme).month)) }
    }

    @Test func utf8IsChecked() {
        #expect(ByteSlice([0x61, 0xC3, 0xA9]).utf8Text == "aé")
        #expect(ByteSlice([]).utf8Text == "")
        #expect(ByteSlice(Array("\u{FFFD}".utf8)).utf8Text == "\u{FFFD}")
        for bytes in [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xEF, 0xBF]] as [[UInt8]] { #expect(ByteSlice(bytes).utf8Text == nil) }
    }
}
