/// Spans of time and numbers of bytes as people read them.
enum Amounts {
    /// `850 ms`, `12 s`, `5 min`, `3 h`, `2 d`: the largest unit of which there are two, rounded down.
    static func time(_ milliseconds: Int64) -> String {
        let milliseconds = max(0, milliseconds)
        for (name, length) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("min", 60_000), ("s", 1000)] where milliseconds >= 2 * length { return "\(milliseconds / length) \(name)" }
        return milliseconds >= 1000 ? "1 s" : "\(milliseconds) ms"
    }

    /// `512 bytes`, `16 KiB`, `1.5 MiB`, `20 GiB`.
    static func bytes(_ count: Int64) -> String {
        let count = max(0, count)
        for (name, size) in [("GiB", Int64(1 << 30)), ("MiB", 1 << 20), ("KiB", 1 << 10)] where count >= size {
            let whole = count / size, tenth = (count % size) * 10 / size
            return whole >= 10 || tenth == 0 ? "\(whole) \(name)" : "\(whole).\(tenth) \(name)"
        }
        return "\(count) byte\(count == 1 ? "" : "s")"
    }
}
