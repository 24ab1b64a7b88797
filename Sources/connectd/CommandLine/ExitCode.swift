/// How a command ended, for scripts.
enum ExitCode: Int32, Sendable {
    case ok = 0
    /// It failed while it ran.
    case failure = 1
    /// What was asked for cannot be: usage, configuration, input.
    case invalid = 2
    /// The surroundings refused: unreachable, in use, denied.
    case environment = 3
}
