import CCompression

/// Gzip (RFC 1952), by zlib.
public enum Gzip {
    /// The bytes compressed; `nil` when zlib has no memory for it.
    public static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        guard let length = UInt32(exactly: bytes.count) else { return nil }
        var stream = z_stream()
        guard connectd_gzip_begin(&stream, Z_DEFAULT_COMPRESSION) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        guard let room = UInt32(exactly: bound) else { return nil }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bound)
        let isDone = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = length
                stream.next_out = target.baseAddress
                stream.avail_out = room
                return deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
        }
        return isDone ? Array(output[..<Int(stream.total_out)]) : nil
    }
}
