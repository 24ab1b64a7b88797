import ConnectRuntime

/// Reading request bodies.
enum Body {
    static func parse(_ bytes: [UInt8]) throws -> JSON {
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) {
            throw BadRequest(message: "The request body is empty, a JSON object is expected")
        }
        do throws(JSONError) {
            return try JSON.parse(bytes, duplicateNames: .lastWins)
        } catch {
            throw BadRequest(message: "The request body is no JSON: \(error)")
        }
    }

    /// A configuration: numbers and booleans become text, null stays null.
    static func configuration(_ json: JSON, of what: String) throws -> ConfigMap {
        do {
            return try ConfigMap(json: json, of: what)
        } catch let error as ConnectError {
            throw BadRequest(message: error.message + (error.suggestion.map { ": \($0)" } ?? ""))
        }
    }

    /// A scalar as text, as lenient as Connect's own reader; `nil` for null and absence.
    static func text(_ json: JSON?, of field: String) throws -> String? {
        switch json {
        case nil, .null: return nil
        case .string(let text), .number(let text): return text
        case .boolean(let value): return value ? "true" : "false"
        case .array, .object: throw BadRequest(message: "The field \"\(field)\" must be text")
        }
    }
}
