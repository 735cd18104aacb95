import Basics

/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // 1 January 1970 was a Thursday
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The text for `seconds` since 1970-01-01T00:00:00Z, at least 0.
    package static func format(secondsSince1970 seconds: Int) -> String {
        let seconds = max(0, seconds)
        let day = seconds / 86_400
        let time = seconds % 86_400
        let date = CivilDate(daysSince1970: day)
        return "\(days[day % 7]), \(two(date.day)) \(months[date.month - 1]) \(four(date.year)) "
            + "\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60)) GMT"
    }

    /// Seconds since 1970; nil for anything but the three forms that RFC 9110 §5.6.7 has recipients accept: IMF-fixdate, RFC 850
    /// (two-digit years are 1970 to 2069) and asctime.
    package static func parse(_ text: String) -> Int? {
        var words = text.split(separator: " ")
        let (dayText, monthText, yearText, timeText): (Substring, Substring, Substring, Substring)
        switch words.count {
        case 4 where words[0].hasSuffix("day,") && words[3] == "GMT":  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
            guard date.count == 3, date[2].utf8.count == 2 else { return nil }
            (dayText, monthText, yearText, timeText) = (date[0], date[1], date[2], words[2])
        case 5:  // asctime: Sun Nov  6 08:49:37 1994
            (dayText, monthText, yearText, timeText) = (words[2], words[1], words[4], words[3])
        case 6 where words[0].hasSuffix(",") && words[5] == "GMT":  // Sun, 06 Nov 1994 08:49:37 GMT
            words[0].removeLast()
            guard words[0].utf8.count == 3 else { return nil }
            (dayText, monthText, yearText, timeText) = (words[1], words[2], words[3], words[4])
        default: return nil
        }
        guard days.contains(String(words[0].prefix(3))), let month = months.firstIndex(of: String(monthText)),
            let day = digits(dayText), (1...31).contains(day), let shortYear = digits(yearText)
        else { return nil }
        let year: Int
        switch yearText.utf8.count {
        case 4: year = shortYear
        case 2 where words.count == 4: year = shortYear + (shortYear < 70 ? 2_000 : 1_900)
        default: return nil
        }
        let time = timeText.split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 3, time.allSatisfy({ $0.utf8.count == 2 }), let hour = digits(time[0]), hour < 24,
            let minute = digits(time[1]), minute < 60, let second = digits(time[2]), second <= 60, year >= 1970
        else { return nil }
        return CivilDate(year: year, month: month + 1, day: day).daysSince1970 * 86_400 + hour * 3_600 + minute * 60
            + second
    }

    private static func digits(_ text: Substring) -> Int? {
        text.utf8.count <= 4 && text.utf8.allSatisfy(\.isDigit) ? Int(text) : nil
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func four(_ number: Int) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, 4 - text.count)) + text
    }
}
