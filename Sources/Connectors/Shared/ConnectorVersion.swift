/// The version of the built-in connectors, as lists and records show it.
enum ConnectorVersion {
    static let text = "0.1.0"
}
