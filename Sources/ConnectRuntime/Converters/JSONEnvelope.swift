/// Where schema and payload stand in a `{"schema":…,"payload":…}` document.
struct JSONEnvelope {
    var schema: Range<Int>
    /// Where the payload's value begins.
    var payload: Int

    /// Looks whether the document is an object with exactly these two members, in any order.
    /// - Throws: ``JSONError`` when the document is malformed as far as it was looked at.
    static func find(_ document: JSONReader) throws -> JSONEnvelope? {
        var reader = document
        guard try reader.next() == .object, try reader.open(closing: UInt8(ascii: "}")) else { return nil }
        var schema: Range<Int>?, payload: Int?
        repeat {
            let name = try reader.memberName()
            let isSchema = reader.matches(name, "schema"), isPayload = reader.matches(name, "payload")
            guard isSchema || isPayload else { return nil }
            reader.skipSpace()
            let start = reader.cursor
            try reader.skipValue()
            if isSchema { schema = start..<reader.cursor } else { payload = start }
        } while try reader.more(closing: UInt8(ascii: "}"))
        guard let schema, let payload else { return nil }
        return JSONEnvelope(schema: schema, payload: payload)
    }
}

extension SchemaHeaders {
    /// The value of a header that names a schema.
    static func bytes(of id: SchemaID) -> ByteSlice {
        ByteSlice(Swift.withUnsafeBytes(of: id.value.bigEndian) { Array($0) })
    }

    /// The schema a header names, `nil` when it is none of ours.
    public static func id(in header: RawHeader) -> SchemaID? {
        guard let value = header.value, value.count == 8 else { return nil }
        return SchemaID(value.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) })
    }
}
