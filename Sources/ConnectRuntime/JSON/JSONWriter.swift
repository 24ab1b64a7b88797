/// Writes JSON tokens into memory of its own: the hot end of the record path. Reused from value to value; one copy per value goes
/// to whoever wants the bytes. Escapes and numbers are those of Kafka Connect's converter (Jackson and Java).
///
/// A plain ``ByteBuffer`` grows by checked appends, which cost more than the tokens themselves.
struct JSONWriter: ~Copyable {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    private(set) var count = 0
    /// Whether text beyond the basic plane is written as `\uD83D\uDE00`, as Jackson does, or as it is.
    let escapesSurrogates: Bool

    init(capacity: Int = 1024, escapesSurrogates: Bool = true) {
        self.capacity = max(capacity, 64)
        self.escapesSurrogates = escapesSurrogates
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    mutating func removeAll() {
        count = 0
        // One huge value must not keep its memory for the life of a task.
        if capacity > 1 << 20 { shrink() }
    }

    private mutating func shrink() {
        base.deallocate()
        capacity = 1024
        base = .allocate(capacity: capacity)
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `more` bytes.
    @inline(__always) mutating func ensure(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never) private mutating func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let bigger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        bigger.update(from: base, count: count)
        base.deallocate()
        base = bigger
        capacity = wanted
    }

    @inline(__always) mutating func byte(_ byte: UInt8) {
        ensure(1)
        base[count] = byte
        count += 1
    }

    @inline(__always) mutating func literal(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        ensure(length)
        (base + count).update(from: text.utf8Start, count: length)
        count += length
    }

    @inline(__always) mutating func raw(_ bytes: UnsafeBufferPointer<UInt8>) {
        ensure(bytes.count)
        if let start = bytes.baseAddress { (base + count).update(from: start, count: bytes.count) }
        count += bytes.count
    }

    @inline(__always) mutating func raw(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { raw($0) }
    }

    mutating func boolean(_ value: Bool) { value ? literal("true") : literal("false") }

    // MARK: Text

    /// A quoted string.
    mutating func string(_ text: String) {
        let fast: Void? = text.utf8.withContiguousStorageIfAvailable { string(utf8: $0) }
        if fast == nil { Array(text.utf8).withUnsafeBufferPointer { string(utf8: $0) } }
    }

    mutating func string(utf8 text: UnsafeBufferPointer<UInt8>) {
        ensure(text.count + 1 + Self.wordRoom)
        base[count] = UInt8(ascii: "\"")
        count += 1
        copy(text)
        byte(UInt8(ascii: "\""))
    }

    /// Words are stored whole, also where less of them counts.
    private static let wordRoom = 8

    /// Copies text, whole words where nothing needs an escape. Room for `text.count` and a word is there.
    @inline(__always) private mutating func copy(_ text: UnsafeBufferPointer<UInt8>) {
        guard let source = UnsafeRawPointer(text.baseAddress) else { return }
        var index = 0
        let length = text.count
        while index < length {
            let size = min(length - index, 8)
            let word = size == 8 ? source.loadUnaligned(fromByteOffset: index, as: UInt64.self) : JSONWriter.shortWord(source + index, size)
            if !JSONWriter.needsEscape(word) {
                UnsafeMutableRawPointer(base + count).storeBytes(of: word, as: UInt64.self)
                count += size
                index += size
                continue
            }
            let stop = index + size
            while index < stop {
                let byte = text[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte < 0xF0 {
                    base[count] = byte
                    count += 1
                    index += 1
                } else {
                    ensure(length - index + 12 + Self.wordRoom)
                    index += escape(text, index)
                }
            }
        }
    }

    /// Fewer than eight bytes as a word, blanks behind them.
    @inline(__always) private static func shortWord(_ source: UnsafeRawPointer, _ size: Int) -> UInt64 {
        var word: UInt64 = 0x2020_2020_2020_2020
        for index in 0..<size { word = word &<< 8 | UInt64(source.load(fromByteOffset: size - 1 - index, as: UInt8.self)) }
        return word
    }

    /// Whether a word of text holds a control character, a quote, a backslash or the first byte of a four-byte sequence.
    @inline(__always) private static func needsEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101, highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22), backslash = word ^ (ones &* 0x5C)
        let controls = (word &- ones &* 0x20) & ~word
        let quotes = (quote &- ones) & ~quote
        let backslashes = (backslash &- ones) & ~backslash
        // A byte is ≥ 0xF0 when its four high bits are set.
        let long = word & (word << 1) & (word << 2) & (word << 3)
        return (controls | quotes | backslashes | long) & highs != 0
    }

    /// - Returns: how many bytes of the text were used.
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        let byte = text[index]
        switch byte {
        case UInt8(ascii: "\""): literal("\\\"")
        case UInt8(ascii: "\\"): literal("\\\\")
        case 0x0A: literal("\\n")
        case 0x0D: literal("\\r")
        case 0x09: literal("\\t")
        case 0x08: literal("\\b")
        case 0x0C: literal("\\f")
        case 0..<0x20: hexEscape(UInt16(byte))
        default:
            guard escapesSurrogates, index + 3 < text.count else {
                self.byte(byte)
                return 1
            }
            let high = UInt32(byte & 7) << 18 | UInt32(text[index + 1] & 63) << 12
            let code = high | UInt32(text[index + 2] & 63) << 6 | UInt32(text[index + 3] & 63)
            hexEscape(UInt16(truncatingIfNeeded: 0xD7C0 &+ (code >> 10)))
            hexEscape(UInt16(truncatingIfNeeded: 0xDC00 | (code & 0x3FF)))
            ensure(text.count - index + Self.wordRoom)
            return 4
        }
        return 1
    }

    private mutating func hexEscape(_ unit: UInt16) {
        literal("\\u")
        for shift in [12, 8, 4, 0] as [UInt16] {
            let digit = UInt8(unit >> shift & 15)
            byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10)
        }
    }

    // MARK: Numbers and bytes

    mutating func integer(_ value: Int64) {
        ensure(20)
        count += JSONNumber.write(value, to: base + count)
    }

    /// As Java writes it; NaN and the infinities as quoted words.
    mutating func double(_ value: Double) {
        ensure(32)
        count += JSONNumber.write(value, to: base + count)
    }

    mutating func float(_ value: Float) {
        ensure(32)
        count += JSONNumber.write(value, to: base + count)
    }

    /// As Java's `BigDecimal.toString`.
    mutating func decimal(_ value: Decimal) {
        if let small = value.smallUnscaled, value.scale == 0 { return integer(small) }
        if let small = value.smallUnscaled, value.scale > 0, value.scale < 18 {
            ensure(48)
            count += JSONNumber.write(unscaled: small, scale: Int(value.scale), to: base + count)
            return
        }
        var digits: [UInt8] = []
        value.appendText(to: &digits)
        raw(digits)
    }

    /// A quoted Base64 text with padding.
    mutating func base64(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { source in
            ensure((source.count + 2) / 3 * 4 + 2)
            base[count] = UInt8(ascii: "\"")
            count += 1
            count += Base64.encode(source, to: base + count)
            base[count] = UInt8(ascii: "\"")
            count += 1
        }
    }
}
