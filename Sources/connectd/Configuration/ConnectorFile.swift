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

    func finding(_ found: CheckFinding, mustAnswer: Bool) -> Finding {
        Finding(
            found, at: places[found.setting] ?? place,
            pointer: pointer.isEmpty && places.isEmpty ? nil : Finding.pointer(pointer + [found.setting.text]), mustAnswer: mustAnswer)
    }
}
