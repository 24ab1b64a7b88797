public import Glibc

/// The name of a topic, connector, table, column, field, header or setting: text that identifies something.
///
/// Swift's `String` equality is canonical equivalence ("é" equals "e" + combining accent); a database's, Kafka's and a
/// file system's are not. A `Name` compares, hashes and sorts as UTF-8 bytes, so two topics that only look alike stay two.
public struct Name: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text, exactly as it was given.
    public let text: String

    @inlinable public init(_ text: String) { self.text = text }
    @inlinable public init(_ text: Substring) { self.text = String(text) }
    @inlinable public init(stringLiteral value: String) { text = value }

    public var description: String { text }
}

extension Name: Hashable, Comparable {
    @inlinable public static func == (left: Name, right: Name) -> Bool { equalBytes(left.text, right.text) }

    @inlinable public static func < (left: Name, right: Name) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    @inlinable public func hash(into hasher: inout Hasher) { hashBytes(text, into: &hasher) }
}

/// Whether two texts are the same UTF-8 bytes.
@inlinable public func equalBytes(_ left: String, _ right: String) -> Bool {
    let leftBytes = left.utf8, rightBytes = right.utf8
    if leftBytes.count != rightBytes.count { return false }
    let fast: Bool?? = leftBytes.withContiguousStorageIfAvailable { one in
        rightBytes.withContiguousStorageIfAvailable { other in
            guard let first = one.baseAddress, let second = other.baseAddress else { return true }
            return memcmp(first, second, one.count) == 0
        }
    }
    return (fast ?? nil) ?? leftBytes.elementsEqual(rightBytes)
}

/// Feeds the UTF-8 bytes of a text into a hasher; the companion of ``equalBytes(_:_:)``.
@inlinable public func hashBytes(_ text: String, into hasher: inout Hasher) {
    let fast: Void? = text.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    if fast == nil { for byte in text.utf8 { hasher.combine(byte) } }
    hasher.combine(UInt8(0xFF))
}
