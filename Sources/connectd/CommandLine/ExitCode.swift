import ConnectRuntime

/// How a command ended, for scripts.
enum ExitCode: Int32, Sendable {
    case ok = 0
    /// It failed while it ran.
    case failure = 1
    /// What was asked for cannot be: usage, configuration, input.
    case invalid = 2
    /// The surroundings refused: unreachable, in use, denied.
    case environment = 3

    /// How a command ends that looked for what is wrong: the surroundings are to blame where nothing else is.
    init(_ findings: [Finding]) {
        let errors = findings.filter(\.isError)
        self = errors.isEmpty ? .ok : errors.contains { $0.cause == .asked } ? .invalid : .environment
    }
}
