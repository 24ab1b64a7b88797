internal import ConnectRuntime

/// Numbers that are dates and times: what they count, and the text PostgreSQL reads them by.
enum Temporal {
    enum Kind: Hashable { case date, time, timestamp, duration }

    /// What a number counts.
    struct Unit: Hashable {
        let kind: Kind
        /// How many make a microsecond (`nanoseconds`), or the other way round.
        let microseconds: Int64
        let perMicrosecond: Int64

        static func micros(_ kind: Kind) -> Unit { Unit(kind: kind, microseconds: 1, perMicrosecond: 1) }
        static func millis(_ kind: Kind) -> Unit { Unit(kind: kind, microseconds: 1000, perMicrosecond: 1) }
        static func nanos(_ kind: Kind) -> Unit { Unit(kind: kind, microseconds: 1, perMicrosecond: 1000) }
        static let days = Unit(kind: .date, microseconds: 86_400_000_000, perMicrosecond: 1)
    }

    private static let units: [Name: Unit] = [
        LogicalType.date: .days, "io.debezium.time.Date": .days, LogicalType.time: .millis(.time), "io.debezium.time.Time": .millis(.time),
        LogicalType.microTime: .micros(.time), "io.debezium.time.NanoTime": .nanos(.time), LogicalType.timestamp: .millis(.timestamp),
        "io.debezium.time.Timestamp": .millis(.timestamp), LogicalType.microTimestamp: .micros(.timestamp), "io.debezium.time.NanoTimestamp": .nanos(.timestamp),
        "io.debezium.time.MicroDuration": .micros(.duration),
    ]

    static func unit(of name: Name?) -> Unit? { name.flatMap { units[$0] } }

    /// `infinity` and its negative travel as numbers that no finite value has.
    private static func infinity(_ number: Int64, _ unit: Unit) -> StaticString? {
        switch unit.kind {
        case .date:
            if number == Int64(Int32.max) { return "infinity" }
            if number == Int64(Int32.min) { return "-infinity" }
        case .timestamp:
            let (negative, positive) = ValueDecoder.infiniteMicroseconds
            if number == positive / unit.microseconds { return "infinity" }
            if number == negative / unit.microseconds { return "-infinity" }
        case .time, .duration: break
        }
        return nil
    }

    /// Appends a number's text for a column of a type.
    /// - Returns: false when it is out of all range.
    static func append(_ number: Int64, _ unit: Unit, to type: PostgresType, _ out: inout [UInt8]) -> Bool {
        if let word = infinity(number, unit) {
            out.append(word)
            return true
        }
        switch unit.kind {
        case .date:
            appendDate(number, isBC: false, &out)
            if type == .timestamp || type == .timestampWithZone { out.append(" 00:00:00") }
            if type == .timestampWithZone { out.append("+00") }
            appendEra(number, &out)
        case .time:
            guard let micros = micros(number, unit), micros >= 0, micros <= 86_400_000_000 else { return false }
            appendTime(micros, &out)
            if type == .timeWithZone { out.append("+00") }
        case .timestamp:
            guard let micros = micros(number, unit) else { return false }
            let days = micros >= 0 ? micros / 86_400_000_000 : (micros + 1) / 86_400_000_000 - 1
            appendDate(days, isBC: false, &out)
            if type != .date {
                out.append(UInt8(ascii: " "))
                appendTime(micros &- days &* 86_400_000_000, &out)
                if type == .timestampWithZone { out.append("+00") }
            }
            appendEra(days, &out)
        case .duration:
            guard let micros = micros(number, unit) else { return false }
            out.append(contentsOf: String(micros).utf8)
            out.append(" microseconds")
        }
        return true
    }

    private static func micros(_ number: Int64, _ unit: Unit) -> Int64? {
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.microseconds)
        return overflow ? nil : product / unit.perMicrosecond
    }

    private static func appendDate(_ days: Int64, isBC: Bool, _ out: inout [UInt8]) {
        let date = CivilTime.date(daysSince1970: days)
        let year = date.year > 0 ? date.year : 1 - date.year
        digits(year, 4, &out)
        out.append(UInt8(ascii: "-"))
        digits(Int64(date.month), 2, &out)
        out.append(UInt8(ascii: "-"))
        digits(Int64(date.day), 2, &out)
    }

    /// The year before 1 AD is 1 BC; the era stands at the end, behind any time.
    private static func appendEra(_ days: Int64, _ out: inout [UInt8]) {
        if days < -719_162 { out.append(" BC") }
    }

    private static func appendTime(_ micros: Int64, _ out: inout [UInt8]) {
        digits(micros / 3_600_000_000, 2, &out)
        out.append(UInt8(ascii: ":"))
        digits(micros / 60_000_000 % 60, 2, &out)
        out.append(UInt8(ascii: ":"))
        digits(micros / 1_000_000 % 60, 2, &out)
        let fraction = micros % 1_000_000
        if fraction == 0 { return }
        out.append(UInt8(ascii: "."))
        digits(fraction, 6, &out)
    }

    private static func digits(_ number: Int64, _ width: Int, _ out: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            out.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}

extension [UInt8] {
    mutating func append(_ text: StaticString) { append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }
}
