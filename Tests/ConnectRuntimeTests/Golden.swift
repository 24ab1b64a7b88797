import Testing
import ConnectRuntime
import Foundation

/// The recorded behaviour of Apache Kafka Connect 4.3.1: one case per line.
enum Golden {
    struct Case: Sendable, CustomTestStringConvertible {
        let line: Int
        let json: JSON
        var testDescription: String { "line \(line): \(json.serializedText.prefix(200))" }
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")

    /// The lines of a file that are meant. None at all is an error: a test over no case proves nothing.
    static func cases(_ file: String, where isMeant: (JSON) -> Bool = { _ in true }) throws -> [Case] {
        let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
        let cases = try text.split(separator: "\n").enumerated().map { try Case(line: $0.offset + 1, json: JSON.parse(String($0.element))) }.filter { isMeant($0.json) }
        if cases.isEmpty { throw GoldenError(message: "\(file) has no such case") }
        return cases
    }

    /// A configuration of a case, parsed by a plugin's own declaration. Throws when it has problems.
    static func config(_ json: JSON?, _ definition: ConfigDefinition) throws -> Config {
        let (config, problems) = definition.parse(try ConfigMap(json: json ?? .object([])))
        if let problem = problems.first { throw ConnectError(.configuration, code: problem.code, problem.message) }
        return config
    }

    static func converter(_ name: String, _ config: JSON? = nil, context: ConverterContext = ConverterContext(role: .value)) throws -> any Converter {
        let plugin = BuiltInConverters.plugins.first { $0.className.text.hasSuffix("." + name) }
        guard let plugin, case .converter(let make) = plugin.factory else { throw GoldenError(message: "no converter \(name)") }
        let converter = make()
        try converter.configure(try self.config(config, plugin.definition), context: context)
        return converter
    }

    /// A value in the golden files' form: `{"schema","payload"}` is one with schema.
    static func value(_ json: JSON?) throws -> SchemaAndValue {
        guard let json, json != .null else { return .null }
        let converter = try converter("JsonConverter")
        return try converter.deserialize(topic: "t", headers: [], bytes: ByteSlice(json.serialized()))
    }
}

struct GoldenError: Error { let message: String }

extension Converter {
    func bytes(_ schema: Schema?, _ value: Value) throws -> [UInt8]? {
        var buffer = ByteBuffer(), headers: [RawHeader] = []
        return try serialize(topic: "t", headers: &headers, schema: schema, value: value, into: &buffer) ? buffer.bytes : nil
    }
    func text(_ value: SchemaAndValue) throws -> String? {
        try bytes(value.schema, value.value).map { String(decoding: $0, as: UTF8.self) }
    }
    func read(_ text: String?) throws -> SchemaAndValue {
        try deserialize(topic: "t", headers: [], bytes: text.map { ByteSlice(Array($0.utf8)) })
    }
}
