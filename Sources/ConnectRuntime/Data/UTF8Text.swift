import Glibc

extension String {
    /// The text of UTF-8 bytes, `nil` when they are none.
    ///
    /// `String(validating:as:)` says the same, but looks its types up at run time on every call.
    package init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
        self.init(decoding: bytes, as: UTF8.self)
        // Decoding repairs what is malformed, so text that was not repaired has the same bytes.
        guard let source = bytes.baseAddress else { return }
        let isSame: Bool? = utf8.withContiguousStorageIfAvailable { made in
            made.count == bytes.count && made.baseAddress.map { memcmp($0, source, bytes.count) == 0 } ?? true
        }
        guard isSame ?? utf8.elementsEqual(bytes) else { return nil }
    }
}
