internal import ConnectRuntime

/// Debezium's number with its own scale: a struct of `scale` and unscaled `value`.
enum VariableScaleDecimal {
    /// - Returns: `nil` for any other struct.
    static func decimal(_ structure: Struct) -> Decimal? {
        guard structure.schema.name == LogicalType.variableScaleDecimal else { return nil }
        return decimal(scale: structure.value(of: "scale"), unscaled: structure.value(of: "value"))
    }

    /// In JSON without schema the bytes are Base64.
    static func decimal(scale: Value?, unscaled: Value?) -> Decimal? {
        let digits: Int64?
        switch scale {
        case .int32(let number): digits = Int64(number)
        case .int64(let number): digits = number
        default: digits = nil
        }
        guard let places = digits.flatMap({ Int32(exactly: $0) }) else { return nil }
        switch unscaled {
        case .bytes(let bytes) where bytes.count <= Decimal.mostBytes: return Decimal(unscaled: bytes, scale: places)
        case .string(let text): return Base64.decode(text).flatMap { $0.count <= Decimal.mostBytes ? Decimal(unscaled: $0, scale: places) : nil }
        default: return nil
        }
    }
}
