/// What a source connector calls one stream of its own (a table, a file): Connect's "source partition".
///
/// Holds only what identifies the stream: a flat JSON object with stable member order, whose bytes are the key under which its offset
/// is stored (Connect compares those bytes). Make one per stream and share it.
public final class SourcePartition: Sendable, Hashable {
    /// The canonical JSON bytes, e.g. `{"table":"orders"}`.
    public let json: [UInt8]

    /// - Parameter members: names and flat values (text, integer, boolean, null), in the order that is stored.
    public init(_ members: [(Name, JSON)]) {
        json = JSON.object(members.map { JSON.Member($0.0.text, $0.1) }).serialized()
    }

    /// From bytes that were stored before, kept exactly as they are.
    public init(storedJSON: [UInt8]) { json = storedJSON }

    public static func == (left: SourcePartition, right: SourcePartition) -> Bool { left === right || left.json == right.json }
    public func hash(into hasher: inout Hasher) { hasher.combine(json) }
}

/// Where in a ``SourcePartition`` a source stands after a record: Connect's "source offset", a flat JSON object.
public struct SourceOffset: Sendable, Hashable {
    public let json: [UInt8]

    public init(_ members: [(Name, JSON)]) {
        json = JSON.object(members.map { JSON.Member($0.0.text, $0.1) }).serialized()
    }

    /// From bytes; a hot path may build `{"seq":42}` by hand.
    public init(storedJSON: [UInt8]) { json = storedJSON }

    /// The members, for reading an offset back at start.
    /// - Throws: ``ConnectError`` of kind `.fatal` when the stored bytes are not a JSON object.
    public func members() throws -> JSON {
        do {
            let value = try JSON.parse(json)
            if case .object = value { return value }
        } catch { _ = error }
        throw ConnectError(
            .fatal, code: "offset.malformed", "the stored source offset \(String(decoding: json, as: UTF8.self)) is not a JSON object",
            suggestion: "stop the connector and reset its offsets")
    }
}
