internal import ConnectRuntime

/// Names of topics made from names of tables.
enum TopicNaming {
    /// What a topic's name may hold in Kafka; everything else becomes `_`, as Debezium does it.
    static func legal(_ text: String) -> Name {
        Name(String(decoding: text.utf8.map { isLegal($0) ? $0 : UInt8(ascii: "_") }.prefix(249), as: UTF8.self))
    }

    static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
