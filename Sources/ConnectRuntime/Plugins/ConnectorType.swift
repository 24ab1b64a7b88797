/// Which way a connector carries records; unknown while nobody has its class.
public enum ConnectorType: String, Sendable { case source, sink, unknown }
