import ConnectRuntime
import ConnectTesting
import Foundation
import Testing

/// What `docs/write-a-transform.md` shows is what is built and run here.
@Suite struct ExampleTransformTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test func theDocumentShowsTheFile() throws {
        let code = try String(contentsOf: Self.root.appendingPathComponent("Sources/ConnectTesting/Examples/UppercaseField.swift"), encoding: .utf8)
        let document = try String(contentsOf: Self.root.appendingPathComponent("docs/write-a-transform.md"), encoding: .utf8)
        #expect(document.contains("```swift\n" + code + "```\n"))
    }

    @Test func theConfigurationOfTheDocumentRuns() throws {
        let document = try String(contentsOf: Self.root.appendingPathComponent("docs/write-a-transform.md"), encoding: .utf8)
        let start = try #require(document.range(of: "```json\n")), end = try #require(document[start.upperBound...].range(of: "```"))
        let map = try ConfigMap(json: try JSON.parse(String(document[start.upperBound..<end.lowerBound])))
        let chain = try TransformChain(map, catalogue: PluginCatalogue(BuiltInTransforms.plugins + BuiltInPredicates.plugins).adding([UppercaseField.plugin]))
        let schema = Schema.structure("S", fields: [.init("id", .plain(.int64)), .init("status", .plain(.string, optional: true))])
        let records = [
            Record(topic: "shop.orders", valueSchema: schema, value: .structure(Struct(schema, [.int64(1), .string("new")]))),
            Record(topic: "shop.orders", valueSchema: schema, value: .structure(Struct(schema, [.int64(2), .null]))),
            Record(topic: "shop.orders", value: .map([.init(key: .string("status"), value: .string("straße"))])),
            Record(topic: "shop.orders"),
            Record(topic: "shop.other", value: .map([.init(key: .string("status"), value: .string("new"))])),
            Record(topic: "shop.orders", value: .map([.init(key: .string("status"), value: .int64(1))])),
        ]
        let partition = SourcePartition([("table", .string("orders"))])
        var batch = RecordBatch()
        for record in records { batch.append(record, partition: partition, offset: nil) }
        var failed: [ConnectError] = []
        try chain.apply(to: &batch) { entry, className, error, _ in
            failed.append(ConnectError(error))
            entry.outcome = .failed(RecordFailure(stage: .transformation, pluginClass: className, error: ConnectError(error)))
            return nil
        }
        let values = batch.entries.map(\.record.value)
        #expect(values[0] == .structure(Struct(schema, [.int64(1), .string("NEW")])))
        #expect(values[1] == records[1].value)
        #expect(values[2] == .map([.init(key: .string("status"), value: .string("STRASSE"))]))
        #expect(values[3...] == records[3...].map(\.value)[...])
        #expect(failed.map(\.code) == ["uppercase.not_text"])
    }
}
