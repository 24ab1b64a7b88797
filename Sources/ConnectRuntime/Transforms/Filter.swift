/// Connect's `Filter`: drops every record that it is applied to; its predicate says which.
final class Filter: Transform {
    func configure(_ config: Config) throws {}
    func apply(_ record: inout Record) throws -> TransformResult { .drop }
}
