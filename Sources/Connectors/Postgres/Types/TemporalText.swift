/// Dates and times as the server writes them (ISO forms), as numbers. Years may have more than four digits and may be BC.
enum TemporalText {
    /// Days since 1970 of `2024-02-29`, `0044-03-15 BC`; `nil` when it is none or out of range.
    static func days(_ text: some RandomAccessCollection<UInt8>) -> Int64? {
        var reader = Reader(text)
        guard let days = reader.days() else { return nil }
        return reader.finish(days)
    }

    /// Microseconds of the day of `24:00:00`, `12:34:56.789`.
    static func microsecondsOfDay(_ text: some RandomAccessCollection<UInt8>) -> Int64? {
        var reader = Reader(text)
        guard let time = reader.time(), reader.isAtEnd else { return nil }
        return time
    }

    /// Microseconds since 1970 of `2024-02-29T12:34:56.789`, also with a blank for the T and with ` BC` behind.
    static func microseconds(_ text: some RandomAccessCollection<UInt8>) -> Int64? {
        var reader = Reader(text)
        guard let dayText = reader.datePart(), reader.take(UInt8(ascii: "T")) || reader.take(UInt8(ascii: " ")), let time = reader.time() else { return nil }
        let isBC = reader.isBC()
        guard reader.isAtEnd else { return nil }
        let days = days(year: isBC ? 1 - dayText.0 : dayText.0, month: dayText.1, day: dayText.2)
        let (product, overflow) = days.multipliedReportingOverflow(by: 86_400_000_000)
        if overflow { return nil }
        let (sum, overflowToo) = product.addingReportingOverflow(time)
        return overflowToo ? nil : sum
    }

    /// Days since 1970 of a day in the proleptic Gregorian calendar; year 0 is 1 BC.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private struct Reader<Bytes: RandomAccessCollection> where Bytes.Element == UInt8 {
        private let bytes: Bytes
        private var index: Bytes.Index

        init(_ bytes: Bytes) {
            self.bytes = bytes
            index = bytes.startIndex
        }

        var isAtEnd: Bool { index == bytes.endIndex }

        mutating func take(_ byte: UInt8) -> Bool {
            guard index < bytes.endIndex, bytes[index] == byte else { return false }
            index = bytes.index(after: index)
            return true
        }

        mutating func number(digits: ClosedRange<Int>) -> Int64? {
            var value: Int64 = 0, count = 0
            while index < bytes.endIndex, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") {
                count += 1
                if count > digits.upperBound { return nil }
                value = value * 10 + Int64(bytes[index] - UInt8(ascii: "0"))
                index = bytes.index(after: index)
            }
            return count < digits.lowerBound ? nil : value
        }

        mutating func datePart() -> (Int64, Int64, Int64)? {
            guard let year = number(digits: 4...7), take(UInt8(ascii: "-")), let month = number(digits: 2...2), take(UInt8(ascii: "-")),
                let day = number(digits: 2...2), (1...12).contains(month), (1...31).contains(day)
            else { return nil }
            return (year, month, day)
        }

        mutating func isBC() -> Bool {
            guard take(UInt8(ascii: " ")) else { return false }
            return take(UInt8(ascii: "B")) && take(UInt8(ascii: "C"))
        }

        mutating func days() -> Int64? {
            guard let date = datePart() else { return nil }
            return TemporalText.days(year: isBC() ? 1 - date.0 : date.0, month: date.1, day: date.2)
        }

        func finish(_ value: Int64) -> Int64? { isAtEnd ? value : nil }

        mutating func time() -> Int64? {
            guard let hour = number(digits: 2...2), take(UInt8(ascii: ":")), let minute = number(digits: 2...2), take(UInt8(ascii: ":")),
                let second = number(digits: 2...2)
            else { return nil }
            var fraction: Int64 = 0
            if take(UInt8(ascii: ".")) {
                var scale: Int64 = 100_000
                var any = false
                while index < bytes.endIndex, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") {
                    if scale == 0 { return nil }
                    fraction += Int64(bytes[index] - UInt8(ascii: "0")) * scale
                    scale /= 10
                    any = true
                    index = bytes.index(after: index)
                }
                if !any { return nil }
            }
            return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
        }
    }
}
