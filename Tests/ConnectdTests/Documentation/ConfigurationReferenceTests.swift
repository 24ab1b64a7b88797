import ConnectREST
import ConnectRuntime
import Foundation
import Testing
import connectd

/// `docs/configuration.md` is what the declarations say.
@Suite struct ConfigurationReferenceTests {
    private static let plugins = Catalogue.all.plugins

    private static var page: String {
        ConfigReference.page(
            sections: [
                ("The worker", "Keys of the worker's own configuration: `--worker-config FILE`, `--set key=value`, or `\"worker\"` in a connectors file.", WorkerSettings.definition),
                ("The webhook door", "Worker settings as well: `POST /topics/TOPIC` takes records where they open it ([http-sink.md](http-sink.md#the-webhook-door)).", ProduceSettings.definition),
                ("Every source connector", "Beside the settings of its class.", ConnectorSettings.definition(.source)),
                ("Every sink connector", "Beside the settings of its class.", ConnectorSettings.definition(.sink)),
            ], plugins: plugins)
    }

    @Test func documentSaysWhatTheDeclarationsSay() throws {
        let file = Repository.root.appending(path: "docs/configuration.md")
        if Environment.variables["CONNECTD_UPDATE_DOCS"] == "1" { try Self.page.write(to: file, atomically: true, encoding: .utf8) }
        let written = try String(contentsOf: file, encoding: .utf8)
        #expect(written == Self.page, "docs/configuration.md is not what the declarations say: CONNECTD_UPDATE_DOCS=1 make test TEST_FLAGS='--filter ConfigurationReferenceTests' writes it anew")
    }

    @Test func everyKindOfPluginIsThere() {
        for kind in [PluginKind.source, .sink, .transformation, .predicate, .converter] {
            #expect(Self.plugins.contains { $0.kind == kind }, "no plugin of kind \(kind.rawValue)")
        }
    }

    @Test func everySettingIsDocumented() {
        for plugin in Self.plugins {
            for key in plugin.definition.keys { #expect(!key.documentation.isEmpty, "\(plugin.className): \(key.name)") }
        }
    }
}

/// This checkout.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
