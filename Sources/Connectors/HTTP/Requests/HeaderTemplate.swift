package import ConnectRuntime

/// One header of every request: a name, and a value that may be made for each record.
package struct HeaderTemplate: Sendable {
    package let name: String
    private let value: Template

    /// - Parameter written: `Name: value`.
    package init(_ written: String) throws(SettingError) {
        guard let colon = written.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw SettingError("must have entries of the form name:value") }
        name = String(written[..<colon]).trimmedASCII
        guard HeaderText.isName(name) else { throw SettingError("has an entry whose name is no header name: \(name)") }
        let text = String(written[written.index(after: colon)...]).trimmedASCII
        guard HeaderText.isValue(text) else { throw SettingError("has a control character in the value of \(name)") }
        value = try Template(text)
    }

    package var isFixed: Bool { value.isFixed }

    /// The value, where it is the same for all records.
    package var fixedValue: String? { value.isFixed ? value.head : nil }
    package var fixedLine: String? { fixedValue.map { "\(name): \($0)" } }
    package func isNamed(_ other: String) -> Bool { equalBytes(name.lowercased(), other.lowercased()) }

    /// `Name: value`.
    /// - Throws: ``ConnectError`` `.data` when a record's value would begin another header.
    package func line(_ source: @autoclosure () -> TemplateSource) throws -> String {
        if value.isFixed { return "\(name): \(value.head)" }
        let source = source()
        var text = ""
        for part in value.parts {
            switch part {
            case .text(let literal): text += literal
            case .place(let place): text += try PlaceText.of(source.value(place), "header \(name)")
            }
        }
        return try HeaderText.line(name, text)
    }
}

/// What may stand in a header (RFC 9110 §5).
package enum HeaderText {
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
                }
            }
    }

    /// No control character but the tab: nothing that could end the line.
    package static func isValue(_ text: String) -> Bool { text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 } }

    package static func line(_ name: String, _ value: String) throws -> String {
        guard isName(name) else { throw ConnectError(.data, code: "http.header", "\"\(name)\" is no name of an HTTP header") }
        guard isValue(value) else {
            throw ConnectError(.data, code: "http.header", "the value for header \(name) holds a line break or another control character")
        }
        return "\(name): \(value)"
    }
}
