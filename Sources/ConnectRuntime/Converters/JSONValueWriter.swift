/// Writes values of a schema as JSON, checking that they are what the schema says.
struct JSONValueWriter {
    let decimals: DecimalFormat

    /// Writes the value of the plan's node `index`; null as Connect does (default, null, or an error).
    func write(_ value: Value, _ plan: JSONPlan, _ index: Int, into writer: inout JSONWriter) throws {
        let node = plan.nodes[index]
        switch (node.kind, value) {
        case (.int64, .int64(let number)): writer.integer(number)
        case (.string, .string(let text)): writer.string(text)
        case (.int32, .int32(let number)): writer.integer(Int64(number))
        case (.boolean, .boolean(let flag)): writer.boolean(flag)
        case (.float64, .float64(let number)): writer.double(number)
        case (.float32, .float32(let number)): writer.float(number)
        case (.int16, .int16(let number)): writer.integer(Int64(number))
        case (.int8, .int8(let number)): writer.integer(Int64(number))
        case (.timestamp, .timestamp(let instant)): writer.integer(instant)
        case (.date, .date(let day)): writer.integer(Int64(day))
        case (.time, .time(let time)):
            guard time >= 0, time <= 86_400_000 else {
                throw DataErrors.invalid("the time of day \(time) ms lies outside 0…86400000")
            }
            writer.integer(Int64(time))
        case (.decimal, .decimal(let decimal)):
            guard decimal.scale == node.scale else {
                throw DataErrors.invalid("a decimal of scale \(decimal.scale) stands where the schema says scale \(node.scale)")
            }
            switch decimals {
            case .base64: writer.base64(decimal.unscaled)
            case .numeric: writer.decimal(decimal)
            }
        case (.bytes, .bytes(let bytes)): writer.base64(bytes)
        case (.structure, .structure(let structure)):
            guard structure.schema === plan.schemas[index] || structure.schema == plan.schemas[index] else {
                throw DataErrors.invalid("Mismatching schema: a struct is of another schema than its record says")
            }
            try write(structure.values, fields: node, plan, into: &writer)
        case (.array, .array(let elements)):
            writer.byte(UInt8(ascii: "["))
            for (position, element) in elements.enumerated() {
                if position > 0 { writer.byte(UInt8(ascii: ",")) }
                try write(element, plan, Int(node.firstChild), into: &writer)
            }
            writer.byte(UInt8(ascii: "]"))
        case (.map, .map(let entries)): try write(object: entries, node, plan, into: &writer)
        case (.pairs, .map(let entries)): try write(pairs: entries, node, plan, into: &writer)
        case (_, .null):
            if node.usesDefault, !plan.defaults[index].isNull { return try write(plan.defaults[index], plan, index, into: &writer) }
            guard node.isOptional else {
                throw DataErrors.invalid("Conversion error: null value for field that is required and has no default value")
            }
            writer.literal("null")
        default: throw DataErrors.mismatch(plan.schemas[index], value)
        }
    }

    @inline(__always) private func write(_ values: [Value], fields node: JSONPlan.Node, _ plan: JSONPlan, into writer: inout JSONWriter) throws {
        writer.byte(UInt8(ascii: "{"))
        let first = Int(node.firstChild)
        var position = 0
        do {
            for value in values {
                if position > 0 { writer.byte(UInt8(ascii: ",")) }
                writer.raw(plan.prefix(of: first + position))
                try write(value, plan, first + position, into: &writer)
                position += 1
            }
        } catch {
            throw DataErrors.inField(String(decoding: plan.name(of: first + position), as: UTF8.self), error)
        }
        writer.byte(UInt8(ascii: "}"))
    }

    private func write(object entries: [Value.MapEntry], _ node: JSONPlan.Node, _ plan: JSONPlan, into writer: inout JSONWriter) throws {
        writer.byte(UInt8(ascii: "{"))
        for (position, entry) in entries.enumerated() {
            if position > 0 { writer.byte(UInt8(ascii: ",")) }
            guard case .string(let key) = entry.key else { throw DataErrors.invalid("a map with text keys holds a key that is none") }
            writer.string(key)
            writer.byte(UInt8(ascii: ":"))
            try write(entry.value, plan, Int(node.firstChild) + 1, into: &writer)
        }
        writer.byte(UInt8(ascii: "}"))
    }

    private func write(pairs entries: [Value.MapEntry], _ node: JSONPlan.Node, _ plan: JSONPlan, into writer: inout JSONWriter) throws {
        writer.byte(UInt8(ascii: "["))
        for (position, entry) in entries.enumerated() {
            writer.literal(position > 0 ? ",[" : "[")
            try write(entry.key, plan, Int(node.firstChild), into: &writer)
            writer.byte(UInt8(ascii: ","))
            try write(entry.value, plan, Int(node.firstChild) + 1, into: &writer)
            writer.byte(UInt8(ascii: "]"))
        }
        writer.byte(UInt8(ascii: "]"))
    }
}

/// How decimals are written: `decimal.format`.
enum DecimalFormat: String, CaseIterable, Sendable {
    case numeric = "NUMERIC"
    case base64 = "BASE64"
}
