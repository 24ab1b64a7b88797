internal import ConnectRuntime

extension PostgresType {
    /// The schema of a column of this type.
    /// - Parameters:
    ///   - sqlName: the type as SQL writes it, kept beside schemas that do not say it themselves.
    func schema(_ options: TypeOptions, optional: Bool, sqlName: String?, default constant: Value? = nil) -> Schema {
        func make(_ type: SchemaType, _ name: Name? = nil, _ more: [Schema.Parameter] = [], keepType: Bool = false) -> Schema {
            var parameters = more
            if keepType, let sqlName { parameters.append(.init(PostgresParameters.type, sqlName)) }
            if name == nil, parameters.isEmpty, constant == nil { return .plain(type, optional: optional) }
            return Schema(type, optional: optional, default: constant, name: name, version: name == nil ? nil : 1, parameters: parameters)
        }
        switch self {
        case .boolean: return make(.boolean)
        case .int8: return make(.int8)
        case .int16: return make(.int16)
        case .int32: return make(.int32)
        case .int64: return make(.int64)
        case .float32: return make(.float32)
        case .float64: return make(.float64)
        case .decimal(let scale):
            switch options.decimals {
            case .precise: return Schema.decimal(scale: scale, optional: optional, default: constant)
            case .string: return make(.string, nil, keepType: true)
            case .double: return make(.float64, nil, keepType: true)
            }
        case .variableDecimal:
            switch options.decimals {
            case .precise: return PostgresType.variableDecimalSchema(optional: optional)
            case .string: return make(.string, nil, keepType: true)
            case .double: return make(.float64, nil, keepType: true)
            }
        case .money: return make(.string, "connectd.postgresql.Money", keepType: true)
        case .text: return make(.string)
        case .bytes: return make(.bytes)
        case .bit: return make(.boolean, nil, keepType: true)
        case .bits(let length): return make(.bytes, LogicalType.bits, [.init(PostgresParameters.length, String(length))])
        case .uuid: return make(.string, LogicalType.uuid)
        case .json: return make(.string, LogicalType.json, keepType: true)
        case .xml: return make(.string, LogicalType.xml)
        case .enumeration(let labels):
            return make(.string, LogicalType.enumeration, [.init(PostgresParameters.allowed, labels.joined(separator: ","))], keepType: true)
        case .date: return .date(optional: optional)
        case .time: return options.time == .connect ? .time(optional: optional) : make(.int64, LogicalType.microTime)
        case .timeWithZone: return make(.string, LogicalType.zonedTime)
        case .timestamp: return options.time == .connect ? .timestamp(optional: optional) : make(.int64, LogicalType.microTimestamp)
        case .timestampWithZone where options.zonedAsTimestamp: return .timestamp(optional: optional)
        case .timestampWithZone: return make(.string, LogicalType.zonedTimestamp)
        case .interval: return make(.string, LogicalType.interval)
        case .textMap:
            return Schema(
                .map, optional: optional, parameters: sqlName.map { [.init(PostgresParameters.type, $0)] } ?? [], keySchema: .plain(.string),
                valueSchema: .plain(.string, optional: true))
        case .array(let element, let dimensions):
            var schema = element.schema(options, optional: true, sqlName: nil)
            for level in (0..<max(1, dimensions)).reversed() {
                let parameters: [Schema.Parameter] = level == 0 ? sqlName.map { [.init(PostgresParameters.type, $0)] } ?? [] : []
                schema = Schema(.array, optional: level == 0 ? optional : true, parameters: parameters, valueSchema: schema)
            }
            return schema
        case .composite(let name, let fields):
            return Schema(
                .structure, optional: optional, name: Name(name), parameters: sqlName.map { [.init(PostgresParameters.type, $0)] } ?? [],
                fields: fields.map { .init(Name($0.name), $0.type.schema(options, optional: true, sqlName: nil)) })
        case .domain(let name, let base):
            let inner = base.schema(options, optional: optional, sqlName: sqlName, default: constant)
            return Schema(
                inner.type, optional: inner.isOptional, default: inner.defaultValue, name: inner.name, version: inner.version,
                parameters: inner.parameters + [.init(PostgresParameters.domain, name)], fields: inner.fields, keySchema: inner.keySchema,
                valueSchema: inner.valueSchema)
        case .other: return make(.string, nil, keepType: true)
        }
    }

    static func variableDecimalSchema(optional: Bool) -> Schema { optional ? optionalVariableDecimal : requiredVariableDecimal }
    private static let requiredVariableDecimal = makeVariableDecimal(optional: false)
    private static let optionalVariableDecimal = makeVariableDecimal(optional: true)
    private static func makeVariableDecimal(optional: Bool) -> Schema {
        .structure(
            LogicalType.variableScaleDecimal, optional: optional, version: 1,
            fields: [.init("scale", .plain(.int32)), .init("value", .plain(.bytes))])
    }
}
