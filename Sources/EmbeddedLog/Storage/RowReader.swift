internal import ConnectRuntime

/// Reads the fields of a small row's key or value; every step is checked, the end gives `nil`.
struct RowReader {
    private let source: [UInt8]
    private var position: Int

    init(_ source: [UInt8], from position: Int = 0) {
        self.source = source
        self.position = position
    }

    var isAtEnd: Bool { position == source.count }

    mutating func integer<T: FixedWidthInteger>() -> T? {
        let size = MemoryLayout<T>.size
        guard source.count - position >= size else { return nil }
        var value: T = 0
        for byte in source[position..<position + size] { value = value << 8 | T(truncatingIfNeeded: byte) }
        position += size
        return value
    }

    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, source.count - position >= count else { return nil }
        defer { position += count }
        return Array(source[position..<position + count])
    }

    /// A length in four bytes and so many bytes.
    mutating func counted() -> [UInt8]? {
        guard let count: Int32 = integer() else { return nil }
        return bytes(Int(count))
    }

    mutating func name() -> Name? { counted().flatMap { String(validating: $0, as: UTF8.self) }.map { Name($0) } }

    mutating func rest() -> [UInt8] {
        defer { position = source.count }
        return Array(source[position...])
    }
}

extension ByteBuffer {
    /// A length in four bytes and the bytes: a key made of parts keeps its order within equal first parts.
    mutating func append(counted bytes: [UInt8]) {
        append(bigEndian: Int32(clamping: bytes.count))
        append(bytes)
    }
    mutating func append(counted name: Name) { append(counted: Array(name.text.utf8)) }
}
