/// How many rows of a table to read at once: grows and shrinks so that a read stays near its time and bytes. A value.
struct ChunkSize: Sendable, Hashable {
    private(set) var rows: Int
    let most: Int
    let milliseconds: Int
    let bytes: Int

    init(most: Int, milliseconds: Int, bytes: Int) {
        rows = min(1000, most)
        self.most = most
        self.milliseconds = milliseconds
        self.bytes = bytes
    }

    mutating func took(milliseconds took: Int, rows read: Int, bytes readBytes: Int) {
        if readBytes > bytes, read > 0 {
            rows = max(1, min(rows / 2, bytes / max(1, readBytes / read)))
        } else if took > milliseconds {
            rows = max(1, rows / 2)
        } else if read >= rows, took < milliseconds / 2, readBytes < bytes / 2 {
            rows = min(most, rows * 2)
        }
    }
}
