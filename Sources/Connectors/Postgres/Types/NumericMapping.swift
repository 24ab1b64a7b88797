/// The JDBC source's ways to make plain numbers of numeric columns.
enum NumericMapping: String, Sendable, CaseIterable {
    case none
    case precisionOnly = "precision_only"
    case bestFit = "best_fit"
    case bestFitEagerDouble = "best_fit_eager_double"

    /// So many digits fit a whole number of 64 bits.
    static let greatestPrecision = 18
    static let smallestScale = -84

    /// What a numeric(precision, scale) becomes; `nil`: it stays a decimal.
    func type(precision: Int, scale: Int) -> PostgresType? {
        let fits = precision <= NumericMapping.greatestPrecision
        switch self {
        case .none: return nil
        case .precisionOnly: return scale == 0 && fits ? NumericMapping.integer(precision) : nil
        case .bestFit:
            guard fits else { return nil }
            if scale > 0 { return .float64 }
            return scale >= NumericMapping.smallestScale ? NumericMapping.integer(precision - scale) : nil
        case .bestFitEagerDouble:
            if scale > 0 { return .float64 }
            return scale >= NumericMapping.smallestScale && fits ? NumericMapping.integer(precision - scale) : nil
        }
    }

    private static func integer(_ digits: Int) -> PostgresType? {
        switch digits {
        case ...2: .int8
        case ...4: .int16
        case ...9: .int32
        case ...18: .int64
        default: nil
        }
    }

    /// Precision and scale out of `numeric(10,2)`; `nil` without a precision.
    static func declared(_ sqlName: String) -> (precision: Int, scale: Int)? {
        guard sqlName.hasPrefix("numeric("), sqlName.hasSuffix(")") else { return nil }
        let parts = sqlName.dropFirst(8).dropLast().split(separator: ",")
        guard let precision = parts.first.flatMap({ Int($0) }) else { return nil }
        if parts.count == 1 { return (precision, 0) }
        guard parts.count == 2, let scale = Int(parts[1]) else { return nil }
        return (precision, scale)
    }
}

extension PostgresTable {
    /// The same table with its numeric columns as a mapping has them.
    func mapped(_ numerics: NumericMapping) -> PostgresTable {
        if numerics == .none { return self }
        let columns = columns.map { column in
            guard case .decimal = column.type, let declared = NumericMapping.declared(column.sqlName),
                let type = numerics.type(precision: declared.precision, scale: declared.scale)
            else { return column }
            return Column(name: column.name, type: type, sqlName: column.sqlName, isNotNull: column.isNotNull)
        }
        return PostgresTable(oid: oid, schema: schema, name: name, isPartitioned: isPartitioned, columns: columns, key: key, isKeyDeferrable: isKeyDeferrable)
    }
}
