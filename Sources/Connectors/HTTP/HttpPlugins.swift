public import ConnectRuntime

/// The HTTP sink under its own name and under the two it is known by from elsewhere, each with that product's defaults.
public enum HttpPlugins {
    public static let all: [Plugin] = [
        plugin(["HttpSink"], HttpSettings.definition),
        plugin(["io.aiven.kafka.connect.http.HttpSinkConnector"], HttpSettings.aiven),
        plugin(["io.confluent.connect.http.HttpSinkConnector"], HttpSettings.confluent),
    ]

    private static func plugin(_ names: [Name], _ definition: ConfigDefinition) -> Plugin {
        Plugin(
            names, version: "0.1.0", definition: definition, summary: "Posts records to an HTTP endpoint, in order per key, alone or in batches.",
            factory: .sink { HttpSinkConnector() })
    }
}
