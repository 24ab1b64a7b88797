import Glibc

/// Runs programs for the tests. Blocks its thread until the program ends.
public enum ChildProcess {
    /// - Parameter inputDescriptor: what the program reads, −1 for nothing.
    /// - Returns: its process number. Output goes to `outputPath`, appended.
    public static func spawn(_ arguments: [String], outputPath: String = "/dev/null", inputDescriptor: Int32 = -1) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if inputDescriptor >= 0 {
            posix_spawn_file_actions_adddup2(&actions, inputDescriptor, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let argv = arguments.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        let variables: [String] = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"]
        let environment = variables.map { strdup($0) } + [nil]
        defer { for variable in environment { free(variable) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, arguments[0], &actions, nil, argv, environment)
        if code != 0 { throw ServerProblem("cannot start \(arguments[0]): \(String(cString: strerror(code)))") }
        return process
    }

    /// Runs to the end and returns the exit code (128 and the signal's number for one that was killed).
    @discardableResult
    public static func run(_ arguments: [String], outputPath: String = "/dev/null") throws -> Int32 {
        let process = try spawn(arguments, outputPath: outputPath)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }
}

/// Why a test has no server.
public struct ServerProblem: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
