/// How to find a row in records of one value schema: resolved once per schema, not once per record.
///
/// Understands change envelopes (`before`, `after`, `op`, with or without `source`) and rows that are the value itself.
public struct SinkRecordShape: Sendable {
    public enum Form: Sendable, Hashable {
        /// The value is the row.
        case row
        /// Positions of the envelope's members, `nil` for those it lacks.
        case envelope(before: Int?, after: Int, op: Int, source: Int?)
    }
    public let form: Form
    /// The row's schema: the value's own, or that of `after`.
    public let rowSchema: Schema

    /// `nil` when the value is no struct.
    public init?(_ valueSchema: Schema) {
        guard valueSchema.type == .structure else { return nil }
        if let op = valueSchema.index(of: "op"), let after = valueSchema.index(of: "after"), valueSchema.fields[op].schema.type == .string,
            valueSchema.fields[after].schema.type == .structure
        {
            form = .envelope(before: valueSchema.index(of: "before"), after: after, op: op, source: valueSchema.index(of: "source"))
            rowSchema = valueSchema.fields[after].schema
        } else {
            form = .row
            rowSchema = valueSchema
        }
    }
}

/// What a change envelope's `op` asks for.
public enum SinkOperation: Sendable, Hashable {
    case write, delete, truncate

    /// `nil` for an op that no table can follow (`m`: a message).
    public init?(op: String) {
        switch op {
        case "c", "u", "r": self = .write
        case "d": self = .delete
        case "t": self = .truncate
        default: return nil
        }
    }
}
