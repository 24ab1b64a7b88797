package import ConnectRuntime

/// The bytes of one record: a body of its own, or an item of a batch.
package struct ItemBody: Sendable {
    package enum Kind: Sendable {
        case value
        case record
        case template(BodyTemplate)
    }

    private let kind: Kind
    /// `nil`: a body of its own, text as it is. Otherwise an item that must be JSON.
    private let format: BatchFormat?
    /// The member with the idempotency key of a batch's item; empty for none.
    private let keyField: Name
    /// `{"keyField":"`
    private let keyOpening: [UInt8]

    package init(_ kind: Kind, format: BatchFormat?, keyField: Name) {
        self.kind = kind
        self.format = format
        self.keyField = keyField
        var opening = ByteBuffer()
        opening.append("{")
        JSON.writeString(keyField.text, into: &opening)
        opening.append(":\"")
        keyOpening = opening.bytes
    }

    /// Whether it is the value's plain JSON and nothing else (a text is as it is).
    package var isPlainJSON: Bool { if case .value = kind { format?.needsJSON != true } else { false } }

    /// Whether a batch's items show their records' idempotency keys.
    package var carriesKey: Bool {
        switch kind {
        case .record: true
        case .template(let template): template.namesKey
        case .value: format?.needsJSON == true && !keyField.text.isEmpty
        }
    }

    /// The bytes alone: the buffer keeps its room for the next record's.
    package func bytes(_ value: Value, _ key: IdempotencyKey, by buffer: inout ByteBuffer, source: () -> TemplateSource) throws -> [UInt8] {
        buffer.removeAll()
        try write(value, key, into: &buffer, source: source)
        return buffer.withUnsafeBytes { Array($0) }
    }

    /// - Parameter value: the record's, which most bodies are made of alone.
    package func write(_ value: Value, _ key: IdempotencyKey, into buffer: inout ByteBuffer, source: () -> TemplateSource) throws {
        switch kind {
        case .template(let template): try template.write(source(), into: &buffer)
        case .record: try writeRecord(source(), into: &buffer)
        case .value:
            guard let format, format.needsJSON else { return try PlainText.write(schema: nil, value: value, into: &buffer) }
            try writeItem(value, key, into: &buffer)
        }
    }

    private func writeItem(_ value: Value, _ key: IdempotencyKey, into buffer: inout ByteBuffer) throws {
        let (document, fields) = if case .string(let text) = value { Self.document(text) } else { ([UInt8]?.none, [Name]()) }
        if keyField.text.isEmpty {
            if let document { return buffer.append(document) }
            return try PlainText.writeJSON(value, into: &buffer)
        }
        let isObject = document.map { $0.first == UInt8(ascii: "{") } ?? Self.isObject(value)
        if isObject { try checkFree(value, fields) }
        buffer.append(keyOpening)
        write(key, into: &buffer)
        // A text or a number has no room for a key: it gets a wrapping.
        buffer.append("\"")
        if !isObject { buffer.append(",\"value\":") }
        let start = buffer.count
        if let document { buffer.append(document) } else { try PlainText.writeJSON(value, into: &buffer) }
        if !isObject { return buffer.append(UInt8(ascii: "}")) }
        // The object's own brace gives way: its members follow the key.
        buffer.replace(at: start, bigEndian: isEmptyObject(buffer, from: start + 1) ? UInt8(ascii: " ") : UInt8(ascii: ","))
    }

    private func isEmptyObject(_ buffer: ByteBuffer, from start: Int) -> Bool {
        buffer.withUnsafeBytes { bytes in bytes[start...].first { $0 > 0x20 } == UInt8(ascii: "}") }
    }

    private static func isObject(_ value: Value) -> Bool {
        switch value {
        case .structure: true
        case .map(let entries): entries.allSatisfy { if case .string = $0.key { true } else { false } }
        default: false
        }
    }

    private func write(_ key: IdempotencyKey, into buffer: inout ByteBuffer) { key.withText { buffer.append($0) } }

    /// The same name twice in one object would leave it to the reader which one counts.
    /// - Parameter fields: the members of a text that is a JSON object.
    private func checkFree(_ value: Value, _ fields: [Name]) throws {
        let isTaken =
            switch value {
            case .structure(let structure): structure.schema.index(of: keyField) != nil
            case .map(let entries): entries.contains { if case .string(let text) = $0.key { equalBytes(text, keyField.text) } else { false } }
            default: fields.contains(keyField)
            }
        if isTaken {
            throw ConnectError(
                .data, code: "http.batch_key_field", "the value has a field \(keyField) of its own, where the batch's item carries its idempotency key",
                suggestion: "set batch.idempotency.field to a name that no record has")
        }
    }

    /// A text that is one JSON document goes out as that document; line breaks outside its strings become blanks.
    private static func document(_ text: String) -> (bytes: [UInt8]?, fields: [Name]) {
        guard let first = text.utf8.first(where: { $0 > 0x20 }), first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return (nil, []) }
        let bytes = Array(text.utf8)
        guard let document = try? JSON.parse(bytes, duplicateNames: .lastWins) else { return (nil, []) }
        let fields: [Name] = if case .object(let members) = document { members.map(\.name) } else { [] }
        return (Array(bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }.drop { $0 <= 0x20 }), fields)
    }

    private func writeRecord(_ source: TemplateSource, into buffer: inout ByteBuffer) throws {
        let record = source.record
        buffer.append("{\"topic\":")
        JSON.writeString(record.topic.text, into: &buffer)
        buffer.append(text: ",\"partition\":\(source.origin.topicPartition.partition),\"offset\":\(source.origin.offset),\"timestamp\":")
        buffer.append(text: record.timestamp.map(String.init) ?? "null")
        buffer.append(",\"idempotency_key\":\"")
        write(source.idempotencyKey, into: &buffer)
        buffer.append("\",\"key\":")
        try PlainText.writeJSON(record.key, into: &buffer)
        buffer.append(",\"value\":")
        try PlainText.writeJSON(record.value, into: &buffer)
        buffer.append("}")
    }
}
