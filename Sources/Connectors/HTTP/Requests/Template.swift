package import ConnectRuntime

/// Text with places: `${topic}`, `${partition}`, `${offset}`, `${timestamp}`, `${key}`, `${key.a.b}`, `${value}`, `${value.a.b}`,
/// `${header.NAME}`, `${idempotency_key}`; any other name is a field of the value (`${user_id}`, `${address.city}`).
package struct Template: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case text(String)
        case place(Place)
    }

    package enum Place: Sendable, Hashable {
        case topic, partition, offset, timestamp, idempotencyKey
        case key([Name])
        case value([Name])
        case header(Name)
    }

    package let parts: [Part]

    /// - Throws: ``SettingError`` for `${` without `}` and for an empty name.
    package init(_ text: String) throws(SettingError) {
        var parts: [Part] = []
        var rest = text.utf8[...]
        var literal: [UInt8] = []
        while let byte = rest.first {
            rest = rest.dropFirst()
            guard byte == UInt8(ascii: "$"), rest.first == UInt8(ascii: "{") else {
                literal.append(byte)
                continue
            }
            guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else { throw SettingError("has a ${ without its }") }
            let name = String(decoding: rest[rest.index(after: rest.startIndex)..<end], as: UTF8.self)
            rest = rest[rest.index(after: end)...]
            if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
            literal = []
            parts.append(.place(try Self.place(name)))
        }
        if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
        self.parts = parts
    }

    private static func place(_ written: String) throws(SettingError) -> Place {
        let path = written.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Name(String(decoding: $0, as: UTF8.self)) }
        guard path.allSatisfy({ !$0.text.isEmpty }), let root = path.first else { throw SettingError("has a place with an empty name: ${\(written)}") }
        let fields = Array(path.dropFirst())
        switch (root, fields.isEmpty) {
        case ("topic", true): return .topic
        case ("partition", true): return .partition
        case ("offset", true): return .offset
        case ("timestamp", true): return .timestamp
        case ("idempotency_key", true): return .idempotencyKey
        case ("key", _): return .key(fields)
        case ("value", _): return .value(fields)
        // A header's name may hold dots.
        case ("header", false): return .header(Name(String(decoding: written.utf8.dropFirst("header.".utf8.count), as: UTF8.self)))
        default: return .value(path)
        }
    }

    package var isFixed: Bool { parts.allSatisfy { if case .text = $0 { true } else { false } } }
    /// The text before the first place.
    package var head: String {
        if case .text(let text)? = parts.first { return text }
        return ""
    }
}

/// Looks up what a template's places name in one record.
package struct TemplateSource {
    let record: Record
    let origin: LogOrigin
    let idempotencyKey: IdempotencyKey

    package init(record: Record, origin: LogOrigin, idempotencyKey: IdempotencyKey) {
        self.record = record
        self.origin = origin
        self.idempotencyKey = idempotencyKey
    }

    /// - Throws: ``ConnectError`` `.data` when the record has no such field or header.
    func value(_ place: Template.Place) throws -> Value {
        switch place {
        case .topic: .string(record.topic.text)
        case .partition: .int32(origin.topicPartition.partition)
        case .offset: .int64(origin.offset)
        case .timestamp: record.timestamp.map { .int64($0) } ?? .null
        case .idempotencyKey: .string(idempotencyKey.text)
        case .key(let path): try descend(record.key, path, "key")
        case .value(let path): try descend(record.value, path, "value")
        case .header(let name):
            if let header = record.headers.last(where: { $0.name == name }) { header.value } else { throw missing("header \(name)") }
        }
    }

    private func descend(_ value: Value, _ path: [Name], _ what: String) throws -> Value {
        var value = value, walked = what
        for name in path {
            walked += ".\(name)"
            switch value {
            case .structure(let structure):
                guard let next = structure.value(of: name) else { throw missing(walked) }
                value = next
            case .map(let entries):
                guard let entry = entries.first(where: { $0.key == .string(name.text) }) else { throw missing(walked) }
                value = entry.value
            default: throw missing(walked)
            }
        }
        return value
    }

    private func missing(_ what: String) -> ConnectError {
        ConnectError(.data, code: "http.template", "the record has no \(what), which the template names")
    }
}
