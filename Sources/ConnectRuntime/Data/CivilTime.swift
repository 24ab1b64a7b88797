/// Instants as calendar dates in UTC (proleptic Gregorian), without a time zone database. Any 64-bit instant is fine.
public struct CivilTime: Sendable, Hashable {
    public let year: Int64
    /// 1…12
    public let month: Int
    /// 1…31
    public let day: Int
    public let hour: Int
    public let minute: Int
    public let second: Int
    public let millisecond: Int
    /// 0 is Sunday.
    public let weekday: Int

    /// - Parameter milliseconds: since 1970-01-01T00:00:00Z.
    public init(milliseconds: Int64) {
        let days = milliseconds >= 0 ? milliseconds / 86_400_000 : (milliseconds + 1) / 86_400_000 - 1
        // Wraps at the smallest instant and comes back: the difference is less than a day.
        let rest = Int(milliseconds &- days &* 86_400_000)
        hour = rest / 3_600_000
        minute = rest / 60_000 % 60
        second = rest / 1000 % 60
        millisecond = rest % 1000
        let sinceThursday = Int(days % 7)
        weekday = (sinceThursday + 7 + 4) % 7
        (year, month, day) = CivilTime.date(daysSince1970: days)
    }

    /// Year, month and day of a day number.
    public static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int, day: Int) {
        // Counted in eras of 400 years that begin on 1 March, so that the leap day is a year's last.
        let shifted = days + 719_468
        let era = shifted >= 0 ? shifted / 146_097 : (shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// As Java's `Date.toString` in UTC: `Tue Nov 14 22:13:20 UTC 2023`.
    static func javaText(milliseconds: Int64) -> String {
        let time = CivilTime(milliseconds: milliseconds)
        let clock = [time.hour, time.minute, time.second].map(twoDigits).joined(separator: ":")
        let year = String(time.year)
        let padded = time.year >= 0 ? String(repeating: "0", count: max(0, 4 - year.utf8.count)) + year : year
        return "\(weekdays[time.weekday]) \(months[time.month - 1]) \(twoDigits(time.day)) \(clock) UTC \(padded)"
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
}
