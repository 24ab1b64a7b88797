import ConnectRuntime

/// What configuration files declare.
struct Declarations: Sendable {
    var connectors: [DeclaredConnector] = []
    /// Worker settings, with where they stand.
    var worker: [(name: Name, value: String?, place: Finding.Place, pointer: String)] = []
}

/// One connector of a file.
struct DeclaredConnector: Sendable {
    let name: Name
    /// With its name in it.
    let config: ConfigMap
    let initialState: TargetState?
    /// Where it stands.
    let place: Finding.Place
    /// Where its settings stand.
    let places: [Name: Finding.Place]
    /// The JSON pointer of its configuration; empty for a properties file.
    let pointer: [String]

    func finding(_ problem: ConfigProblem) -> Finding {
        Finding(
            problem.code, at: places[problem.setting] ?? place,
            pointer: pointer.isEmpty && places.isEmpty ? nil : Finding.pointer(pointer + [problem.setting.text]), problem.message,
            suggestion: problem.suggestion, isWarning: problem.isWarning)
    }

    /// - Parameter definition: all settings of the connector, under whose names a finding may know one that the file writes otherwise.
    func finding(_ found: CheckFinding, _ definition: ConfigDefinition, mustAnswer: Bool) -> Finding {
        let setting = written(found.setting, definition)
        return Finding(
            found, at: places[setting] ?? place,
            pointer: pointer.isEmpty && places.isEmpty ? nil : Finding.pointer(pointer + [setting.text]), mustAnswer: mustAnswer)
    }

    /// The name under which a setting stands in the file; `connector.class` for one that this class does not have.
    private func written(_ setting: Name, _ definition: ConfigDefinition) -> Name {
        if places[setting] != nil { return setting }
        guard let key = definition.key(for: setting) else { return "connector.class" }
        return ([key.name] + key.aliases).first { places[$0] != nil } ?? setting
    }
}
