/// Errors of converters and transforms about one value: of kind `.data`, so that `errors.tolerance` decides what becomes of the record.
enum DataErrors {
    static func invalid(_ message: String, suggestion: String? = nil) -> ConnectError {
        ConnectError(.data, code: "converter.invalid_value", message, suggestion: suggestion)
    }

    static func mismatch(_ schema: Schema, _ value: Value) -> ConnectError {
        let type = schema.name.map { "\(schema.type.rawValue) (\($0))" } ?? schema.type.rawValue
        return invalid("Invalid type: the schema says \(type), the value is \(value.kindWord)")
    }

    /// The error with the path to the field in front.
    static func inField(_ name: String, _ error: any Error) -> any Error {
        guard let error = error as? ConnectError, error.kind == .data else { return error }
        let marker = "field \""
        if error.message.hasPrefix(marker) {
            let rest = error.message.dropFirst(marker.count)
            return ConnectError(
                .data, code: error.code, "\(marker)\(name).\(rest)", suggestion: error.suggestion, causes: error.causes)
        }
        return error.context("\(marker)\(name)\"")
    }
}

extension Value {
    /// What a message calls it.
    var kindWord: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .int8: "an int8"
        case .int16: "an int16"
        case .int32: "an int32"
        case .int64: "an int64"
        case .float32: "a float"
        case .float64: "a double"
        case .string: "a string"
        case .bytes: "bytes"
        case .decimal: "a decimal"
        case .date: "a date"
        case .time: "a time of day"
        case .timestamp: "a timestamp"
        case .array: "an array"
        case .map: "a map"
        case .structure: "a struct"
        }
    }
}
