public import Glibc

/// Runs programs for tests, by posix_spawn.
///
/// Foundation's `Process` is not used: it learns of a program's end by a socket that any other program started meanwhile inherits,
/// and then waits until that one has ended too, for ever if it is a server.
public enum ChildProcess {
    /// - Parameters:
    ///   - inputDescriptor: what the program reads, −1 for nothing.
    ///   - outputPath: takes standard output and standard error, appended.
    ///   - directory: the folder it runs in; this process's where none is named.
    /// - Returns: its process number. It starts with no signal blocked, and somebody has to wait for it.
    public static func spawn(
        _ arguments: [String], outputPath: String = "/dev/null", inputDescriptor: Int32 = -1, directory: String? = nil
    ) throws -> pid_t {
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
        // A server lives long: what it inherited would stay open after we closed it, and whoever is at the other end would wait for ever.
        closeAll(from: 3, &actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        // `env -C` becomes the program after it changed the folder.
        let line = directory.map { ["env", "-C", $0] + arguments } ?? arguments
        let argv = line.map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        let variables: [String] = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"]
        let environment = variables.map { strdup($0) } + [nil]
        defer { for variable in environment { free(variable) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, line[0], &actions, &attributes, argv, environment)
        if code != 0 { throw ChildProcessProblem("cannot start \(arguments[0]): \(String(cString: strerror(code)))") }
        return process
    }

    /// Waits for the end, at most so long.
    /// - Returns: the exit code (128 and the signal's number for one that was killed), `nil` while it still runs.
    public static func wait(_ process: pid_t, seconds: Int) -> Int32? {
        var status: Int32 = 0
        for _ in 0...(seconds * 200) {
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F) }
            if ended < 0, errno != EINTR { return -1 }
            usleep(5000)
        }
        return nil
    }

    /// Runs to the end and returns the exit code as ``wait(_:seconds:)`` does; one that takes longer than `seconds` is killed.
    @discardableResult
    public static func run(_ arguments: [String], outputPath: String = "/dev/null", directory: String? = nil, seconds: Int = 300) throws -> Int32 {
        let process = try spawn(arguments, outputPath: outputPath, directory: directory)
        if let code = wait(process, seconds: seconds) { return code }
        kill(process, SIGKILL)
        _ = wait(process, seconds: 10)
        throw ChildProcessProblem("\(arguments[0]) has not ended after \(seconds) s")
    }
}

/// Why a program did not run.
public struct ChildProcessProblem: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
