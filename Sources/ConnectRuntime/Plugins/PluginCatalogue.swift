/// What can be named in a configuration: classes of connectors, transforms, predicates and converters.
///
/// Adding a plugin is one file and one line here (or in the catalogue that an executable of your own passes to the worker).
public struct PluginCatalogue: Sendable {
    public private(set) var plugins: [Plugin] = []

    public init(_ plugins: [Plugin] = []) { self.plugins = plugins }

    public func adding(_ more: [Plugin]) -> PluginCatalogue { PluginCatalogue(plugins + more) }

    /// Finds a plugin by full name, simple name, or simple name without the kind's suffix; an ambiguous short name finds none.
    public func find(_ written: String, _ isWanted: (PluginKind) -> Bool) -> Plugin? {
        let name = written.trimmedASCII
        let candidates = plugins.filter { isWanted($0.kind) }
        if let exact = candidates.first(where: { $0.classNames.contains(Name(name)) }) { return exact }
        let matches = candidates.filter { plugin in plugin.classNames.contains { Self.shortNames($0.text, plugin.kind).contains(name) } }
        return matches.count == 1 ? matches[0] : nil
    }

    private static func shortNames(_ className: String, _ kind: PluginKind) -> [String] {
        let afterPackage = className.utf8.split(separator: UInt8(ascii: ".")).last.map { String(decoding: $0, as: UTF8.self) } ?? className
        let simple = afterPackage.utf8.split(separator: UInt8(ascii: "$")).last.map { String(decoding: $0, as: UTF8.self) } ?? afterPackage
        var names = [afterPackage, simple]
        if simple.hasSuffix(kind.suffix) { names.append(String(simple.dropLast(kind.suffix.count))) }
        return names
    }
}

public enum PluginKind: String, Sendable {
    case sink, source, transformation, predicate, converter
    case headerConverter = "header_converter"

    var suffix: String {
        switch self {
        case .sink, .source: "Connector"
        case .transformation: "Transformation"
        case .predicate: "Predicate"
        case .converter: "Converter"
        case .headerConverter: "HeaderConverter"
        }
    }
}

/// One class that a configuration can name.
public struct Plugin: Sendable {
    /// The name shown in lists; further names (a Java class whose configurations run here) follow it.
    public let classNames: [Name]
    public let kind: PluginKind
    public let version: String
    /// Its own settings; a class of another product brings that product's defaults.
    public let definition: ConfigDefinition
    public let factory: Factory
    /// One sentence for lists and the reference.
    public let summary: String

    public enum Factory: Sendable {
        case source(@Sendable () -> any SourceConnector)
        case sink(@Sendable () -> any SinkConnector)
        case transform(@Sendable () -> any Transform)
        case predicate(@Sendable () -> any Predicate)
        case converter(@Sendable () -> any Converter)
    }

    public init(_ classNames: [Name], version: String, definition: ConfigDefinition, summary: String, factory: Factory) {
        self.classNames = classNames
        self.version = version
        self.definition = definition
        self.summary = summary
        self.factory = factory
        kind =
            switch factory {
            case .source: .source
            case .sink: .sink
            case .transform: .transformation
            case .predicate: .predicate
            case .converter: .converter
            }
    }

    public var className: Name { classNames.first ?? "" }
}
