package import ConnectRuntime

/// A body as a template: values stand in it encoded, so that none can change its structure.
package struct BodyTemplate: Sendable {
    private struct Part: Sendable {
        let part: Template.Part
        /// Inside a JSON string of the template's own: the value goes in without quotes.
        let isInString: Bool
    }
    private let parts: [Part]
    private let encoding: HttpSettings.TemplateEncoding

    package init(_ text: String, encoding: HttpSettings.TemplateEncoding) throws(SettingError) {
        self.encoding = encoding
        var isInString = false, isEscaped = false
        parts = try Template(text).parts.map { part in
            let before = isInString
            if case .text(let literal) = part {
                for byte in literal.utf8 {
                    if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = isInString } else if byte == UInt8(ascii: "\"") { isInString.toggle() }
                }
            }
            return Part(part: part, isInString: before)
        }
    }

    /// Whether it has a place for the record's idempotency key.
    package var namesKey: Bool { parts.contains { $0.part == .place(.idempotencyKey) } }

    package func write(_ source: TemplateSource, into buffer: inout ByteBuffer) throws {
        for part in parts {
            switch part.part {
            case .text(let literal): buffer.append(text: literal)
            case .place(let place):
                let value = try source.value(place)
                switch encoding {
                case .raw: try PlainText.write(schema: nil, value: value, into: &buffer)
                case .url: buffer.append(text: PlaceText.percentEncoded(try PlaceText.of(value, "the body's template")))
                case .json where part.isInString: try writeInside(value, into: &buffer)
                case .json: try PlainText.writeJSON(value, into: &buffer)
                }
            }
        }
    }

    private func writeInside(_ value: Value, into buffer: inout ByteBuffer) throws {
        var quoted = ByteBuffer()
        if case .string(let text) = value {
            JSON.writeString(text, into: &quoted)
        } else {
            var plain = ByteBuffer()
            try PlainText.write(schema: nil, value: value, into: &plain)
            JSON.writeString(String(decoding: plain.bytes, as: UTF8.self), into: &quoted)
        }
        buffer.append(Array(quoted.bytes.dropFirst().dropLast()))
    }
}
