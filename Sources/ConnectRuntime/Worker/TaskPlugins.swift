/// The plugins around a task and its parsed settings: made on the task's thread, used there, dropped there.
final class TaskPlugins {
    let config: Config
    let base: Config
    let policy: ErrorPolicy
    let key: any Converter
    let value: any Converter
    let header: any Converter
    let keyClass: String
    let valueClass: String
    let headerClass: String
    let transforms: TransformSteps

    /// Resolves references, parses every declaration and makes the plugins.
    /// - Throws: ``ConnectError`` of kind `.configuration` with every problem of the connector's own settings.
    init(_ specification: TaskSpecification, _ parts: WorkerParts, schemas: (any ConverterSchemas)?, retry: RetryOperator) throws {
        let connectorMap = try parts.references.resolve(specification.connectorConfig)
        let taskMap = try parts.references.resolve(specification.taskConfig)
        // A task's configuration is what its connector made for it and may leave out what the task does not need; reading that throws.
        let (taskConfig, problems) = specification.plugin.definition.parse(taskMap)
        if let problem = problems.first(where: { !$0.isWarning && $0.code != "config.missing" }) {
            throw ConnectError(.configuration, code: problem.code, problem.message, suggestion: problem.suggestion)
        }
        config = taskConfig
        base = try ConnectorSettings.definition(specification.plugin.kind).parsed(connectorMap)
        policy = try ConnectorSettings.errorPolicy(base, kind: specification.plugin.kind)
        retry.policy = policy
        (key, keyClass) = try Self.converter(.key, connectorMap, parts, schemas)
        (value, valueClass) = try Self.converter(.value, connectorMap, parts, schemas)
        (header, headerClass) = try Self.converter(.header, connectorMap, parts, nil)
        transforms = try TransformSteps(connectorMap, catalogue: parts.catalogue, retry: retry)
    }

    func close() {
        key.close()
        value.close()
        header.close()
        transforms.close()
    }

    /// A connector that names its own converter brings that converter's settings too; nothing is inherited from the worker's.
    static func converter(
        _ role: ConverterContext.Role, _ connector: ConfigMap, _ parts: WorkerParts, _ schemas: (any ConverterSchemas)?
    ) throws -> (any Converter, String) {
        let setting = "\(role.rawValue).converter"
        let own = connector.text(Name(setting))
        let map = own == nil ? parts.settings.map : connector
        let className = own ?? parts.settings.converter(role)
        var found = parts.catalogue.find(className, { $0 == .converter })
        // Headers that nobody set a converter for are text where the catalogue has no converter of that name.
        if found == nil, role == .header, own == nil { found = parts.catalogue.find("StringConverter", { $0 == .converter }) }
        guard let plugin = found, case .converter(let make) = plugin.factory else {
            throw ConnectError(
                .configuration, code: "config.unknown_class", "Invalid value \(className) for configuration \(setting): Class \(className) could not be found.")
        }
        let converter = make()
        try converter.configure(
            try plugin.definition.parsed(map.subset(prefix: setting + ".")), context: ConverterContext(role: role, schemas: schemas))
        return (converter, className)
    }
}
