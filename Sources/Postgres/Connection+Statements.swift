internal import CPostgres

extension Connection {
    /// Runs SQL text without parameters; several statements may stand in it, which then are one transaction unless they say otherwise.
    /// - Returns: the last statement's result, as text.
    /// - Throws: the first error; what followed it did not run.
    @discardableResult
    public func execute(_ sql: String) throws(PostgresError) -> QueryResult {
        try begin()
        guard PQsendQuery(pointer, sql) == 1 else { throw sessionError() }
        return try collect()
    }

    /// Runs one statement with parameters.
    /// - Parameter binary: whether the result's values come in their types' binary forms.
    @discardableResult
    public func query(_ sql: String, _ parameters: [Parameter] = [], binary: Bool = false) throws(PostgresError) -> QueryResult {
        try begin()
        try send(sql, parameters, binary: binary)
        return try collect()
    }

    /// Prepares a statement under a name for this session.
    /// - Parameter types: numbers of the parameters' types; missing or 0 are inferred.
    public func prepare(_ name: String, _ sql: String, types: [UInt32] = []) throws(PostgresError) {
        try begin()
        guard PQsendPrepare(pointer, name, sql, Int32(clamping: types.count), types) == 1 else { throw sessionError() }
        try collect()
    }

    @discardableResult
    public func executePrepared(_ name: String, _ parameters: [Parameter] = [], binary: Bool = false) throws(PostgresError) -> QueryResult {
        try begin()
        try sendPrepared(name, parameters, binary: binary)
        return try collect()
    }

    func begin() throws(PostgresError) {
        guard pointer != nil else { throw closedError() }
        try takeCopied(waits: true)
        graceEnd = nil
    }

    func send(_ sql: String, _ parameters: [Parameter], binary: Bool) throws(PostgresError) {
        let packed = try PackedParameters(parameters)
        let sent = packed.withPointers { types, values, lengths, formats in
            PQsendQueryParams(pointer, sql, Int32(parameters.count), types, values, lengths, formats, binary ? 1 : 0)
        }
        guard sent == 1 else { throw sessionError() }
    }

    func sendPrepared(_ name: String, _ parameters: [Parameter], binary: Bool) throws(PostgresError) {
        let packed = try PackedParameters(parameters)
        let sent = packed.withPointers { _, values, lengths, formats in
            PQsendQueryPrepared(pointer, name, Int32(parameters.count), values, lengths, formats, binary ? 1 : 0)
        }
        guard sent == 1 else { throw sessionError() }
    }

    /// Reads results to the end, so that the session is free again; the last good one is returned, the first bad one thrown.
    @discardableResult
    func collect() throws(PostgresError) -> QueryResult {
        try flush()
        var last: QueryResult?
        var failure: PostgresError?
        while let next = try nextPointer() {
            let result = QueryResult(next)
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: last = result
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                close()
                throw PostgresError(.permanent, "a COPY was sent as an ordinary statement")
            default: failure = failure ?? resultError(next)
            }
        }
        if let failure { throw failure }
        guard let last else { throw sessionError() }
        return last
    }
}

/// Parameters as the four parallel arrays that libpq takes.
struct PackedParameters {
    /// The protocol counts parameters in sixteen bits.
    static let maximum = 65_535
    private var storage: [UInt8] = []
    private var starts: [Int] = []
    private var types: [UInt32] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    init(_ parameters: [Parameter]) throws(PostgresError) {
        guard parameters.count <= PackedParameters.maximum else {
            throw PostgresError(.permanent, sqlState: "54000", "a statement takes at most 65535 parameters, not \(parameters.count)")
        }
        for parameter in parameters {
            types.append(parameter.type)
            formats.append(parameter.isBinary ? 1 : 0)
            guard let bytes = parameter.bytes else {
                starts.append(-1)
                lengths.append(0)
                continue
            }
            guard let length = Int32(exactly: bytes.count), length < 1 << 30 else {
                throw PostgresError(.permanent, sqlState: "54000", "a value of \(bytes.count) bytes is longer than PostgreSQL takes (1 GiB)")
            }
            // libpq measures texts by their terminator: a NUL inside would cut the value off without a word.
            if !parameter.isBinary, bytes.contains(0) {
                throw PostgresError(.permanent, sqlState: "22021", "a text holds a NUL character, which PostgreSQL cannot store")
            }
            starts.append(storage.count)
            lengths.append(length)
            storage.append(contentsOf: bytes)
            storage.append(0)
        }
    }

    func withPointers<R>(
        _ body: (UnsafePointer<UInt32>?, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> R
    ) -> R {
        storage.withUnsafeBytes { raw in
            let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values: [UnsafePointer<CChar>?] = starts.map { start in start < 0 ? nil : base.map { $0 + start } }
            return body(types, values, lengths, formats)
        }
    }
}
