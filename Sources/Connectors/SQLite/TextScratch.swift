internal import SQLite

/// Room for the texts of one row between binding and running its statement: SQLite's own copies are an allocation for each text.
/// Used on the task's thread.
final class TextScratch {
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private var used = 0

    deinit { memory.deallocate() }

    /// The statements of earlier rows have run, or will be bound anew before they do.
    func clear() { used = 0 }

    /// Binds a text: its bytes stay here until ``clear()``; what does not fit SQLite copies.
    @inline(__always)
    func bind(_ text: String, to statement: Statement, at position: Int32) throws {
        let count = text.utf8.count
        guard count <= memory.count - used else { return try statement.bind(text: text, at: position) }
        let place = UnsafeMutableRawBufferPointer(rebasing: memory[used..<used + count])
        place.copyBytes(from: text.utf8)
        used += count
        try statement.bind(borrowedText: UnsafeRawBufferPointer(place), at: position)
    }
}
