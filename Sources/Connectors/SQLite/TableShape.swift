internal import ConnectRuntime

/// The columns of a captured table from one change on: an ALTER TABLE starts a new shape, and what was captured before keeps its own.
struct TableShape: Sendable, Hashable {
    struct Column: Sendable, Hashable {
        let name: Name
        let declaredType: String
        let isNotNull: Bool
        /// Place in the record's key from 1; 0 outside.
        let keyPosition: Int
    }

    /// The first change of this shape.
    let firstSequence: Int64
    let columns: [Column]

    /// Indexes of the key's columns in the key's order; empty for a table without key.
    var keyIndexes: [Int] {
        columns.indices.filter { columns[$0].keyPosition > 0 }.sorted { columns[$0].keyPosition < columns[$1].keyPosition }
    }

    var json: JSON {
        .object([
            JSON.Member("from", .integer(firstSequence)),
            JSON.Member(
                "columns",
                .array(
                    columns.map { column in
                        .object([
                            JSON.Member("name", .string(column.name.text)), JSON.Member("type", .string(column.declaredType)),
                            JSON.Member("notnull", .boolean(column.isNotNull)), JSON.Member("key", .integer(Int64(column.keyPosition))),
                        ])
                    })),
        ])
    }

    init(firstSequence: Int64, columns: [Column]) {
        self.firstSequence = firstSequence
        self.columns = columns
    }

    init?(json: JSON) {
        guard let first = json["from"]?.int64, let elements = json["columns"]?.elements else { return nil }
        var columns: [Column] = []
        for element in elements {
            guard let name = element["name"]?.text, let type = element["type"]?.text, case .boolean(let isNotNull)? = element["notnull"],
                let key = element["key"]?.int64.flatMap({ Int(exactly: $0) })
            else { return nil }
            columns.append(Column(name: Name(name), declaredType: type, isNotNull: isNotNull, keyPosition: key))
        }
        self.init(firstSequence: first, columns: columns)
    }

    /// - Parameter keyColumns: the record's key where it is not the primary key (`message.key.columns`).
    static func columns(of catalog: [SqliteCatalog.Column], keyColumns: [Name]?) -> [Column] {
        catalog.map { column in
            Column(
                name: column.name, declaredType: column.declaredType, isNotNull: column.isNotNull,
                keyPosition: keyColumns.map { ($0.firstIndex(of: column.name) ?? -1) + 1 } ?? column.keyPosition)
        }
    }
}

/// What the file remembers of a captured table, in the table `connectd`.
struct CaptureMemory: Sendable, Hashable {
    /// Whether the change table holds everything that ever happened to the table: it was empty when it was armed and nothing was pruned.
    var isComplete: Bool
    var shapes: [TableShape]

    var json: JSON { .object([JSON.Member("complete", .boolean(isComplete)), JSON.Member("shapes", .array(shapes.map(\.json)))]) }

    init(isComplete: Bool, shapes: [TableShape]) {
        self.isComplete = isComplete
        self.shapes = shapes
    }

    init?(json: JSON) {
        guard case .boolean(let isComplete)? = json["complete"], let elements = json["shapes"]?.elements else { return nil }
        let shapes = elements.compactMap { TableShape(json: $0) }
        guard shapes.count == elements.count, !shapes.isEmpty else { return nil }
        self.init(isComplete: isComplete, shapes: shapes)
    }
}
