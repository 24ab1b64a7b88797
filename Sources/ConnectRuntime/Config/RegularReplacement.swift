/// What takes the place of a match, in Java's notation: `$1` and `${name}` stand for groups, `\` takes the next character as it is.
public struct RegularReplacement: Sendable {
    private enum Piece: Sendable {
        case text([UInt8])
        case group(Int)
    }
    private let pieces: [Piece]

    /// - Throws: ``SettingError`` when it names a group that the expression does not have, or is cut short.
    public init(_ text: String, of expression: RegularExpression) throws(SettingError) {
        var pieces: [Piece] = [], literal: [UInt8] = []
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\\") {
                guard index < bytes.count else { throw SettingError("the replacement '\(text)' ends with a lone backslash") }
                literal.append(bytes[index])
                index += 1
            } else if byte == UInt8(ascii: "$") {
                if !literal.isEmpty { pieces.append(.text(literal)) }
                literal = []
                pieces.append(.group(try RegularReplacement.group(bytes, &index, text, expression)))
            } else {
                literal.append(byte)
            }
        }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        self.pieces = pieces
    }

    /// The group after a `$`.
    private static func group(_ bytes: [UInt8], _ index: inout Int, _ text: String, _ expression: RegularExpression) throws(SettingError) -> Int {
        guard index < bytes.count else { throw SettingError("the replacement '\(text)' ends with a lone $; write \\$ for the sign itself") }
        if bytes[index] == UInt8(ascii: "{") {
            guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { throw SettingError("a } is missing in the replacement '\(text)'") }
            let name = String(decoding: bytes[(index + 1)..<end], as: UTF8.self)
            guard let group = expression.group(named: name) else { throw SettingError("there is no group named '\(name)' in '\(expression.pattern)'") }
            index = end + 1
            return group
        }
        let count = expression.groupCount
        guard let first = digit(bytes, index) else {
            throw SettingError("a $ in the replacement '\(text)' needs the number of a group after it; write \\$ for the sign itself")
        }
        guard first <= count else { throw SettingError("No group \(first): '\(expression.pattern)' has \(count)") }
        var group = first
        index += 1
        // As many digits as still name a group.
        while let next = digit(bytes, index), group * 10 + next <= count {
            group = group * 10 + next
            index += 1
        }
        return group
    }

    private static func digit(_ bytes: [UInt8], _ index: Int) -> Int? {
        guard index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") else { return nil }
        return Int(bytes[index] - UInt8(ascii: "0"))
    }

    /// The text with the first match replaced; without a match, the text. As Java's `replaceFirst`.
    /// - Throws: ``SettingError`` when the search was given up.
    public func replacingFirst(_ expression: RegularExpression, in text: String) throws(SettingError) -> String {
        guard let match = try expression.firstMatch(in: text) else { return text }
        let bytes = Array(text.utf8)
        var result = Array(bytes[..<match.range.lowerBound])
        for piece in pieces {
            switch piece {
            case .text(let literal): result.append(contentsOf: literal)
            case .group(let number):
                if number < match.groups.count, let range = match.groups[number] { result.append(contentsOf: bytes[range]) }
            }
        }
        result.append(contentsOf: bytes[match.range.upperBound...])
        return String(decoding: result, as: UTF8.self)
    }
}
