package import ConnectRuntime
import Connectors

/// Everything this program can run.
package enum Catalogue {
    package static var all: PluginCatalogue {
        PluginCatalogue(ConnectorCatalogue.plugins + BuiltInTransforms.plugins + BuiltInPredicates.plugins + BuiltInConverters.plugins)
    }
}
