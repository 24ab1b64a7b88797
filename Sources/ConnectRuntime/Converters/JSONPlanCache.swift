/// Plans by schema, by kept schema id and by the schema's JSON bytes, so that equal schemas come back as the same object and each is resolved once.
///
/// Bounded: when one of the tables reaches `schemas.cache.size` it is emptied, and what is still in use comes back with its next record.
struct JSONPlanCache {
    private let limit: Int
    private let replacesNull: Bool
    private let decimals: DecimalFormat
    /// The plan holds its schema, so an identity in here cannot be another object's.
    private var byIdentity: [ObjectIdentifier: (schema: Schema, plan: JSONPlan)] = [:]
    private var bySchema: [Schema: JSONPlan] = [:]
    private var byID: [SchemaID: JSONPlan] = [:]
    private var byBytes: [ByteSlice: JSONPlan] = [:]
    /// The bytes seen last, compared before anything is hashed.
    private var lastBytes: (bytes: [UInt8], plan: JSONPlan)?
    private var lastID: (id: SchemaID, plan: JSONPlan)?

    init(limit: Int, replacesNull: Bool, decimals: DecimalFormat) {
        self.limit = max(1, limit)
        self.replacesNull = replacesNull
        self.decimals = decimals
    }

    mutating func plan(for schema: Schema) throws -> JSONPlan {
        let identity = ObjectIdentifier(schema)
        let plan: JSONPlan
        if let known = byIdentity[identity] {
            plan = known.plan
        } else {
            plan = try interned(schema)
            if byIdentity.count >= limit { byIdentity.removeAll(keepingCapacity: true) }
            byIdentity[identity] = (schema, plan)
        }
        return plan
    }

    mutating func plan(for id: SchemaID, load: (SchemaID) throws -> [UInt8]) throws -> JSONPlan {
        if let lastID, lastID.id == id { return lastID.plan }
        let plan: JSONPlan
        if let known = byID[id] {
            plan = known
        } else {
            plan = try interned(try SchemaJSON.parse(try load(id)))
            if byID.count >= limit { byID.removeAll(keepingCapacity: true) }
            byID[id] = plan
        }
        lastID = (id, plan)
        return plan
    }

    mutating func plan(forJSON bytes: UnsafeRawBufferPointer) throws -> JSONPlan {
        if let lastBytes, lastBytes.bytes.count == bytes.count, lastBytes.bytes.withUnsafeBytes({ $0.elementsEqual(bytes) }) { return lastBytes.plan }
        let copy = [UInt8](bytes)
        let plan: JSONPlan
        if let known = byBytes[ByteSlice(copy)] {
            plan = known
        } else {
            plan = try interned(try SchemaJSON.parse(copy))
            if byBytes.count >= limit { byBytes.removeAll(keepingCapacity: true) }
            byBytes[ByteSlice(copy)] = plan
        }
        lastBytes = (copy, plan)
        return plan
    }

    private mutating func interned(_ schema: Schema) throws -> JSONPlan {
        if let known = bySchema[schema] { return known }
        let plan = try JSONPlan(schema, replacesNull: replacesNull)
        if bySchema.count >= limit { bySchema.removeAll(keepingCapacity: true) }
        bySchema[schema] = plan
        return plan
    }

    /// `{"schema":…,"payload":` of a plan's schema.
    func envelope(_ plan: JSONPlan) throws -> [UInt8] {
        if plan.envelope.isEmpty {
            var writer = JSONWriter()
            writer.literal("{\"schema\":")
            try SchemaJSON.write(plan.schema, field: nil, decimals: decimals, into: &writer)
            writer.literal(",\"payload\":")
            plan.envelope = [UInt8](writer.bytes)
        }
        return plan.envelope
    }
}
