/// Writes values of a schema as JSON, checking that they are what the schema says.
struct JSONValueWriter {
    let decimals: DecimalFormat

    /// Writes the value of the plan's node `index`; null as Connect does (default, null, or an error).
    func write(_ value: Value, _ plan: JSONPlan, _ index: Int, into writer: inout JSONWriter) throws {
        let node = plan.nodes[index]
        // By the value alone: a pair of kind and value would be a copy of it.
        switch value {
        case .int64(let number) where node.kind == .int64: writer.integer(number)
        case .string(let text) where node.kind == .string: writer.string(text)
        case .int32(let number) where node.kind == .int32: writer.integer(Int64(number))
        case .boolean(let flag) where node.kind == .boolean: writer.boolean(flag)
        case .float64(let number) where node.kind == .float64: writer.double(number)
        case .float32(let number) where node.kind == .float32: writer.float(number)
        case .int16(let number) where node.kind == .int16: writer.integer(Int64(number))
        case .int8(let number) where node.kind == .int8: writer.integer(Int64(number))
        case .timestamp(let instant) where node.kind == .timestamp: writer.integer(instant)
        case .date(let day) where node.kind == .date: writer.integer(Int64(day))
        case .time(let time) where node.kind == .time:
            guard time >= 0, time <= 86_400_000 else {
                throw DataErrors.invalid("the time of day \(time) ms lies outside 0…86400000")
            }
            writer.integer(Int64(time))
        case .decimal(let decimal) where node.kind == .decimal:
            guard decimal.scale == node.scale else {
                throw DataErrors.invalid("a decimal of scale \(decimal.scale) stands where the schema says scale \(node.scale)")
            }
            switch decimals {
            case .base64: writer.base64(decimal.unscaled)
            case .numeric: writer.decimal(decimal)
            }
        case .bytes(let bytes) where node.kind == .bytes: writer.base64(bytes)
        case .structure(let structure) where node.kind == .structure:
            guard structure.schema === plan.schemas[index] || structure.schema == plan.schemas[index] else {
                throw DataErrors.invalid("Mismatching schema: a struct is of another schema than its record says")
            }
            try write(structure.values, fields: node, plan, into: &writer)
        case .array(let elements) where node.kind == .array: try write(elements, array: node, plan, into: &writer)
        case .map(let entries) where node.kind == .map: try write(object: entries, node, plan, into: &writer)
        case .map(let entries) where node.kind == .pairs: try write(pairs: entries, node, plan, into: &writer)
        case .null:
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
        try values.withUnsafeBufferPointer { values in
            for position in values.indices {
                if position > 0 { writer.byte(UInt8(ascii: ",")) }
                writer.raw(plan.prefix(of: first + position))
                do {
                    try values.lend(position) { value in try write(value, plan, first + position, into: &writer) }
                } catch {
                    throw DataErrors.inField(String(decoding: plan.name(of: first + position), as: UTF8.self), error)
                }
            }
        }
        writer.byte(UInt8(ascii: "}"))
    }

    private func write(_ elements: [Value], array node: JSONPlan.Node, _ plan: JSONPlan, into writer: inout JSONWriter) throws {
        writer.byte(UInt8(ascii: "["))
        try elements.withUnsafeBufferPointer { elements in
            for position in elements.indices {
                if position > 0 { writer.byte(UInt8(ascii: ",")) }
                try elements.lend(position) { element in try write(element, plan, Int(node.firstChild), into: &writer) }
            }
        }
        writer.byte(UInt8(ascii: "]"))
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
