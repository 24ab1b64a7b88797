internal import ConnectRuntime

/// Reads whole images of one table: the columns' values in their order.
final class ImageDecoder {
    /// An image that is not of the table we know: the table was altered after or before it was captured.
    enum Surprise: Error {
        case unknownColumn(String)
        case missingColumn(String)
        case value(column: String, expected: String)
    }

    let table: PostgresTable
    /// One schema per column; NOT NULL columns are required.
    let columnSchemas: [Schema]
    private let decoder: ValueDecoder
    private let names: [[UInt8]]
    private let indexes: [Name: Int]
    /// Columns in the order in which the last image had them: the server keeps one order, so the next has it too.
    private var order: [Int] = []

    /// - Parameter isRelaxed: whether only the key is required: for images from before a NOT NULL column was there.
    init(_ table: PostgresTable, key: [String], options: TypeOptions, isRelaxed: Bool) {
        self.table = table
        decoder = ValueDecoder(options: options)
        names = table.columns.map { Array($0.name.utf8) }
        var indexes: [Name: Int] = [:]
        for (index, column) in table.columns.enumerated() { indexes[Name(column.name)] = index }
        self.indexes = indexes
        columnSchemas = table.columns.map { column in
            let mayLoseValues = options.specialDecimals == .null || options.infinity == .null
            let isRequired = key.contains { equalBytes($0, column.name) } || (column.isNotNull && !mayLoseValues && !isRelaxed)
            return column.type.schema(options, optional: !isRequired, sqlName: column.sqlName)
        }
    }

    /// Reads an image.
    /// - Parameter isTolerant: whether columns that are gone are passed over and columns that came later are null.
    /// - Throws: ``Surprise``, or a fatal ``ConnectError`` where the image is damaged.
    func decode(_ image: UnsafeRawBufferPointer, isTolerant: Bool) throws -> [Value] {
        var scanner = ImageScanner(image)
        var values = [Value](repeating: .null, count: names.count)
        var count = 0
        do {
            try scanner.expect(UInt8(ascii: "{"))
            if try !scanner.take(UInt8(ascii: "}")) {
                var place = 0
                repeat {
                    guard let index = try column(&scanner, place, isTolerant) else {
                        try scanner.expect(UInt8(ascii: ":"))
                        _ = try scanner.raw()
                        continue
                    }
                    try scanner.expect(UInt8(ascii: ":"))
                    do {
                        values[index] = try decoder.decode(table.columns[index].type, columnSchemas[index], &scanner)
                    } catch let mismatch as ValueDecoder.Mismatch {
                        throw Surprise.value(column: table.columns[index].name, expected: mismatch.expected)
                    }
                    place += 1
                    count += 1
                } while try scanner.take(UInt8(ascii: ","))
                try scanner.expect(UInt8(ascii: "}"))
            }
        } catch is ImageScanner.Malformed {
            throw ConnectError(
                .fatal, code: "postgres.source.image_damaged", "an image of table \(table.display) in connectd.change is no JSON object",
                suggestion: "somebody wrote into the change table: delete that row to go on without it")
        }
        if count < names.count {
            for index in names.indices where !order.prefix(count).contains(index) && !isTolerant {
                throw Surprise.missingColumn(table.columns[index].name)
            }
        }
        return values
    }

    /// The column whose name comes next; `nil` for one that is unknown and passed over.
    @inline(__always) private func column(_ scanner: inout ImageScanner, _ place: Int, _ isTolerant: Bool) throws -> Int? {
        let (name, hasEscapes) = try scanner.string()
        if place < order.count {
            let expected = order[place]
            if !hasEscapes, name.count == names[expected].count, name.elementsEqual(names[expected]) { return expected }
        }
        let text = hasEscapes ? try ImageScanner.unescapedText(name) : String(decoding: name, as: UTF8.self)
        guard let index = indexes[Name(text)] else {
            if isTolerant { return nil }
            throw Surprise.unknownColumn(text)
        }
        if place < order.count {
            order.removeSubrange(place...)
        }
        order.append(index)
        return index
    }
}
