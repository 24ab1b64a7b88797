import ConnectRuntime
import Connectors

/// Everything this program can run.
enum Catalogue {
    static var all: PluginCatalogue {
        PluginCatalogue(ConnectorCatalogue.plugins + BuiltInTransforms.plugins + BuiltInConverters.plugins)
    }
}
