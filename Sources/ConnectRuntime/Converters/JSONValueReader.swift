/// Reads values of a schema from JSON, as Kafka Connect's converter reads them: numbers narrower than the text are cast, members that
/// the schema does not know are passed over, a missing member counts as null.
struct JSONValueReader {
    private typealias Kind = JSONPlan.Kind

    /// Reads the value of the plan's node `index` at the reader's place.
    func read(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        let found = try reader.next()
        if found == .null {
            try reader.null()
            return try null(plan, index)
        }
        return try read(&reader, plan, index, found)
    }

    /// The same once the reader has looked what comes, which is not null.
    private func read(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int, _ found: JSONReader.Kind) throws -> Value {
        let kind = plan.nodes[index].kind
        switch (kind, found) {
        case (.int64, .number): return .int64(try reader.number().truncated(reader.bytes))
        case (.string, .string): return .string(try reader.text(try reader.stringSpan()))
        case (.int32, .number): return .int32(Int32(truncatingIfNeeded: try reader.number().truncated(reader.bytes)))
        case (.boolean, .boolean): return .boolean(try reader.boolean())
        case (.float64, .number): return .float64(try reader.number().double(reader.bytes))
        case (.float32, .number): return .float32(try reader.number().float(reader.bytes))
        case (.int16, .number): return .int16(Int16(truncatingIfNeeded: try reader.number().truncated(reader.bytes)))
        case (.int8, .number): return .int8(Int8(truncatingIfNeeded: try reader.number().truncated(reader.bytes)))
        case (.structure, .object): return try structure(&reader, plan, index)
        case (.bytes, .string): return .bytes(try base64(&reader, "Invalid bytes field"))
        case (.timestamp, .number):
            guard let value = try reader.number().exact(reader.bytes) else { throw notIntegral("Timestamp", .number) }
            return .timestamp(value)
        case (.date, .number): return .date(try int32(&reader, "Date"))
        case (.time, .number):
            let value = try int32(&reader, "Time")
            guard value >= 0, value <= 86_400_000 else {
                throw DataErrors.invalid("Time values must use number of milliseconds from 0 to 86400000, found \(value)")
            }
            return .time(value)
        case (.decimal, .number): return try decimal(&reader, plan, index)
        case (.decimal, .string):
            let bytes = try base64(&reader, "Invalid bytes for Decimal field")
            guard bytes.count <= Decimal.mostBytes else { throw tooManyDigits() }
            return .decimal(Decimal(unscaled: bytes, scale: plan.nodes[index].scale))
        case (.array, .array): return try array(&reader, plan, index)
        case (.map, .object): return try map(&reader, plan, index)
        case (.pairs, .array): return try pairs(&reader, plan, index)
        default: return try misfit(&reader, plan, index, found)
        }
    }

    /// The commonest kinds, where they stand as we write them; `nil` when it takes a closer look.
    @inline(__always) private func commonScalar(_ reader: inout JSONReader, _ kind: JSONPlan.Kind) throws -> Value? {
        let byte = reader.peek
        switch kind {
        case .string:
            guard byte == UInt8(ascii: "\"") else { return nil }
            return .string(try reader.text(try reader.stringSpan()))
        case .int64:
            guard byte &- UInt8(ascii: "0") <= 9 || byte == UInt8(ascii: "-") else { return nil }
            return .int64(try reader.number().truncated(reader.bytes))
        default: return nil
        }
    }

    /// What an absent or null value is: the default, null, or an error.
    @inline(never) func null(_ plan: JSONPlan, _ index: Int) throws -> Value {
        let node = plan.nodes[index]
        if node.usesDefault { return plan.defaults[index] }
        if node.isOptional { return .null }
        throw DataErrors.invalid("Invalid null value for required \(plan.schemas[index].type.connectWord) field")
    }

    // MARK: Containers

    private func structure(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        let first = Int(plan.nodes[index].firstChild), count = Int(plan.nodes[index].childCount)
        let schema = plan.schemas[index]
        var values = nulls(count)
        if try reader.open(closing: UInt8(ascii: "}")) {
            var expected = 0
            repeat {
                var field = expected
                // Members mostly stand in the schema's order, written as we write them.
                if field >= count || !reader.pass(plan.prefix(of: first + field)) {
                    let name = try reader.memberName()
                    if field >= count || !reader.matches(name, plan.name(of: first + field)) {
                        guard let known = schema.index(of: Name(try reader.text(name))) else {
                            try reader.skipValue()
                            continue
                        }
                        field = known
                    }
                }
                do {
                    if let value = try commonScalar(&reader, plan.nodes[first + field].kind) {
                        values[field] = value
                        expected = field + 1
                        continue
                    }
                    let found = try reader.next()
                    if found == .null {
                        try reader.null()
                        values[field] = .null
                    } else {
                        values[field] = try read(&reader, plan, first + field, found)
                    }
                } catch {
                    throw DataErrors.inField(schema.fields[field].name.text, error)
                }
                expected = field + 1
            } while try reader.more(closing: UInt8(ascii: "}"))
        }
        if plan.nodes[index].checksNulls {
            for field in 0..<count where values[field].isNull {
                let node = plan.nodes[first + field]
                if node.isOptional, !node.usesDefault { continue }
                do {
                    values[field] = try null(plan, first + field)
                } catch {
                    throw DataErrors.inField(schema.fields[field].name.text, error)
                }
            }
        }
        return .structure(Struct(schema, values))
    }

    /// What the values of a struct are until they are read: always null. A variable, since a literal of constants would be one array that
    /// every struct has to copy.
    private var filler = Value.null

    /// An array of nulls. A literal's memory is had at a third of the price of `Array(repeating:count:)`, which looks its element's
    /// type up at run time; most structs have few fields, and every record has several structs.
    @inline(__always) private func nulls(_ count: Int) -> [Value] {
        switch count {
        case 1: [filler]
        case 2: [filler, filler]
        case 3: [filler, filler, filler]
        case 4: [filler, filler, filler, filler]
        case 5: [filler, filler, filler, filler, filler]
        case 6: [filler, filler, filler, filler, filler, filler]
        case 7: [filler, filler, filler, filler, filler, filler, filler]
        case 8: [filler, filler, filler, filler, filler, filler, filler, filler]
        case 9: [filler, filler, filler, filler, filler, filler, filler, filler, filler]
        default: [Value](repeating: .null, count: count)
        }
    }

    private func array(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        var elements: [Value] = []
        let element = Int(plan.nodes[index].firstChild)
        if try reader.open(closing: UInt8(ascii: "]")) {
            repeat { elements.append(try read(&reader, plan, element)) } while try reader.more(closing: UInt8(ascii: "]"))
        }
        return .array(elements)
    }

    private func map(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        var entries = UniqueEntries()
        let value = Int(plan.nodes[index].firstChild) + 1
        if try reader.open(closing: UInt8(ascii: "}")) {
            repeat {
                let key = try reader.text(try reader.memberName())
                entries.set(.string(key), try read(&reader, plan, value))
            } while try reader.more(closing: UInt8(ascii: "}"))
        }
        return .map(entries.entries)
    }

    private func pairs(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        var entries = UniqueEntries()
        let key = Int(plan.nodes[index].firstChild)
        if try reader.open(closing: UInt8(ascii: "]")) {
            repeat {
                guard try reader.next() == .array, try reader.open(closing: UInt8(ascii: "]")) else { throw notAPair() }
                let keyValue = try read(&reader, plan, key)
                guard try reader.more(closing: UInt8(ascii: "]")) else { throw notAPair() }
                let value = try read(&reader, plan, key + 1)
                guard try !reader.more(closing: UInt8(ascii: "]")) else { throw notAPair() }
                entries.set(keyValue, value)
            } while try reader.more(closing: UInt8(ascii: "]"))
        }
        return .map(entries.entries)
    }

    private func notAPair() -> ConnectError {
        DataErrors.invalid("Found invalid map entry, an array of a key and a value is expected")
    }

    // MARK: Scalars

    private func int32(_ reader: inout JSONReader, _ type: String) throws -> Int32 {
        guard let value = try reader.number().exact(reader.bytes).flatMap({ Int32(exactly: $0) }) else { throw notIntegral(type, .number) }
        return value
    }

    private func notIntegral(_ type: String, _ found: JSONReader.Kind) -> ConnectError {
        DataErrors.invalid(
            "Invalid type for \(type), underlying representation should be integral\(found == .number ? " and in range" : " but was \(found.connectWord)")")
    }

    private func decimal(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        guard let value = try reader.number().decimal(reader.bytes) else { throw tooManyDigits() }
        let scale = plan.nodes[index].scale
        if value.scale == scale { return .decimal(value) }
        guard let rescaled = value.rescaled(to: scale) else {
            throw DataErrors.invalid("the decimal \(value) does not fit scale \(scale) without loss")
        }
        return .decimal(rescaled)
    }

    private func tooManyDigits() -> ConnectError {
        DataErrors.invalid("a decimal has more than \(Decimal.mostDigits) digits or an exponent out of range")
    }

    private func base64(_ reader: inout JSONReader, _ message: String) throws -> [UInt8] {
        let span = try reader.stringSpan()
        if span.isEscaped {
            guard let bytes = Base64.decode(try reader.text(span)) else { throw DataErrors.invalid(message + ": not Base64") }
            return bytes
        }
        let text = UnsafeRawBufferPointer(rebasing: reader.bytes[span.start..<span.end]).bindMemory(to: UInt8.self)
        guard let bytes = Base64.decode(text) else { throw DataErrors.invalid(message + ": not Base64") }
        return bytes
    }

    /// A JSON value of another kind than the schema's. Connect reads a scalar of the wrong kind as zero, false or an empty list, and so do we,
    /// since its records are meant to pass unchanged; text and bytes it would lose as null are an error here.
    @inline(never) private func misfit(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int, _ found: JSONReader.Kind) throws -> Value {
        switch plan.nodes[index].kind {
        case .structure: throw DataErrors.invalid("Structs should be encoded as JSON objects, but found \(found.connectWord)")
        case .map: throw DataErrors.invalid("Maps with string fields should be encoded as JSON objects, but found \(found.connectWord)")
        case .pairs:
            throw DataErrors.invalid("Maps with non-string fields should be encoded as JSON array of tuples, but found \(found.connectWord)")
        case .string: throw DataErrors.invalid("Invalid string field: found \(found.connectWord)")
        case .bytes: throw DataErrors.invalid("Invalid bytes field: found \(found.connectWord)")
        case .decimal: throw DataErrors.invalid("Invalid bytes for Decimal field: found \(found.connectWord)")
        case .date: throw notIntegral("Date", found)
        case .time: throw notIntegral("Time", found)
        case .timestamp: throw notIntegral("Timestamp", found)
        default: break
        }
        if plan.nodes[index].kind == .array, found == .object { return try arrayOfMembers(&reader, plan, index) }
        if found == .string, plan.nodes[index].kind == .float64 || plan.nodes[index].kind == .float32 {
            // What writers of JSON put for numbers that it has not: zero would be a loss that nobody sees.
            let number = Self.special(try reader.text(try reader.stringSpan()))
            return plan.nodes[index].kind == .float64 ? .float64(number) : .float32(Float(number))
        }
        try reader.skipValue()
        switch plan.nodes[index].kind {
        case .int8: return .int8(0)
        case .int16: return .int16(0)
        case .int32: return .int32(0)
        case .int64: return .int64(0)
        case .float32: return .float32(0)
        case .float64: return .float64(0)
        case .boolean: return .boolean(false)
        default: return .array([])
        }
    }

    private static func special(_ text: String) -> Double {
        switch text {
        case "NaN": .nan
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        default: 0
        }
    }

    /// Connect takes an object for the list of its members' values.
    private func arrayOfMembers(_ reader: inout JSONReader, _ plan: JSONPlan, _ index: Int) throws -> Value {
        var elements: [Value] = []
        if try reader.open(closing: UInt8(ascii: "}")) {
            repeat {
                _ = try reader.memberName()
                elements.append(try read(&reader, plan, Int(plan.nodes[index].firstChild)))
            } while try reader.more(closing: UInt8(ascii: "}"))
        }
        return .array(elements)
    }

    // MARK: Without schema

    /// Whole numbers become int64 (the low 64 bits of wider ones), others doubles, objects maps.
    func schemaless(_ reader: inout JSONReader) throws -> Value {
        switch try reader.next() {
        case .null:
            try reader.null()
            return .null
        case .boolean: return .boolean(try reader.boolean())
        case .string: return .string(try reader.text(try reader.stringSpan()))
        case .number:
            let number = try reader.number()
            return number.isIntegral ? .int64(number.truncated(reader.bytes)) : .float64(number.double(reader.bytes))
        case .array:
            var elements: [Value] = []
            if try reader.open(closing: UInt8(ascii: "]")) {
                repeat { elements.append(try schemaless(&reader)) } while try reader.more(closing: UInt8(ascii: "]"))
            }
            return .array(elements)
        case .object:
            var entries = UniqueEntries()
            if try reader.open(closing: UInt8(ascii: "}")) {
                repeat {
                    let key = try reader.text(try reader.memberName())
                    entries.set(.string(key), try schemaless(&reader))
                } while try reader.more(closing: UInt8(ascii: "}"))
            }
            return .map(entries.entries)
        }
    }
}

extension JSONReader.Kind {
    /// Jackson's word, as it stands in Connect's messages.
    var connectWord: String {
        switch self {
        case .object: "OBJECT"
        case .array: "ARRAY"
        case .string: "STRING"
        case .number: "NUMBER"
        case .boolean: "BOOLEAN"
        case .null: "NULL"
        }
    }
}

extension SchemaType {
    /// Java's word, as it stands in Connect's messages.
    var connectWord: String {
        switch self {
        case .float32: "FLOAT32"
        case .float64: "FLOAT64"
        default: rawValue.uppercased()
        }
    }
}

/// Entries of a map as they are read: a repeated key keeps its place and takes the later value.
struct UniqueEntries {
    private(set) var entries: [Value.MapEntry] = []
    private var indexes: [Value: Int] = [:]
    /// Up to here looking at each is cheaper than a dictionary.
    private static let linear = 12

    mutating func set(_ key: Value, _ value: Value) {
        if entries.count < UniqueEntries.linear {
            if let index = place(of: key) { return entries[index].value = value }
        } else {
            if indexes.isEmpty { for (index, entry) in entries.enumerated() { indexes[entry.key] = index } }
            if let index = indexes[key] { return entries[index].value = value }
            indexes[key] = entries.count
        }
        entries.append(Value.MapEntry(key: key, value: value))
    }

    private func place(of key: Value) -> Int? {
        guard case .string(let text) = key else { return entries.firstIndex { $0.key == key } }
        // Keys of one object rarely have the same length and never the same bytes: most are told apart by a glance.
        let count = text.utf8.count
        for index in entries.indices {
            if case .string(let other) = entries[index].key, other.utf8.count == count, equalBytes(text, other) { return index }
        }
        return nil
    }
}
