import CLinux
import ConnectRuntime
import Glibc
import Postgres

/// A PostgreSQL server of the demonstration's own: made in its folder, reached by a socket there, run by a user that is not root. No service of the system is touched.
///
/// It is a child of this process in a process group of its own, so that a Ctrl-C at the terminal reaches it only through ``stop()``; should this process be
/// killed, the kernel ends the server too. One thread uses it, the one that makes it: the server ends with that thread.
final class QuickstartServer {
    private let programs: String
    private let folder: String
    private var process: pid_t = 0

    private static let initSeconds = 60
    private static let startSeconds = 30
    private static let stopSeconds = 15

    /// Where the server's programs are: `$POSTGRES_BIN`, or what the distribution installed; `nil` where there are none.
    static func programs(_ environment: Environment) -> String? {
        if let given = environment["POSTGRES_BIN"], !given.isEmpty { return given }
        for version in stride(from: 30, through: 13, by: -1) {
            let path = "/usr/lib/postgresql/\(version)/bin"
            if access("\(path)/initdb", X_OK) == 0, access("\(path)/postgres", X_OK) == 0 { return path }
        }
        return nil
    }

    /// Starts it with an empty database `shop`; takes a second or two.
    /// - Parameter parent: the demonstration's folder. The server's user gets a way through it.
    /// - Throws: ``ConnectError`` when it does not start; nothing of it runs then.
    init(programs: String, in parent: String) throws {
        self.programs = programs
        folder = parent + "/postgres"
        if mkdir(folder, 0o700) != 0 { throw Self.problem("cannot make \(folder): \(String(cString: strerror(errno)))") }
        if let user = Self.user {
            chmod(parent, 0o711)
            chown(folder, user.number, user.group)
        }
        do {
            let made = try spawn(["\(programs)/initdb", "-D", "\(folder)/data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"])
            let code = Self.wait(for: made, seconds: Self.initSeconds)
            if code == nil {
                kill(made, SIGKILL)
                _ = Self.wait(for: made, seconds: 1)
            }
            if code != 0 { throw Self.problem("initdb failed: \(lastWords())") }
            process = try spawn([
                "\(programs)/postgres", "-D", "\(folder)/data", "-c", "listen_addresses=", "-c", "unix_socket_directories=\(folder)", "-c", "fsync=off",
                "-c", "shared_buffers=16MB", "-c", "max_wal_size=64MB",
            ])
            try waitUntilReady()
        } catch {
            stop()
            throw error
        }
    }

    /// Ends it and waits until it has, at most so long; more than once does nothing.
    func stop() {
        guard process > 0 else { return }
        for signal in [SIGINT, SIGQUIT, SIGKILL] {
            kill(process, signal)
            if Self.wait(for: process, seconds: Self.stopSeconds) != nil { break }
        }
        process = 0
    }

    func url(_ database: String = "shop") -> String { "postgresql://postgres@:5432/\(database)?host=\(URLText.encode(folder))" }

    func connect(_ database: String = "shop") throws -> Connection {
        do throws(PostgresError) {
            return try Connection.open(ConnectionParameters(url: url(database)))
        } catch {
            throw Self.problem(error.description)
        }
    }

    /// Waits until it answers, and makes the database.
    private func waitUntilReady() throws {
        let clock = SystemClock(), pause = WakeUp(), deadline = clock.monotonicNanoseconds() + UInt64(Self.startSeconds) * 1_000_000_000
        while true {
            do {
                let connection = try connect("postgres")
                defer { connection.close() }
                _ = try connection.execute("CREATE DATABASE shop")
                return
            } catch {
                if Self.ended(process) != nil {
                    process = 0
                    throw Self.problem("the server ended: \(lastWords())")
                }
                if clock.monotonicNanoseconds() >= deadline { throw Self.problem("the server does not answer: \(error)") }
            }
            _ = pause.wait(milliseconds: 20)
        }
    }

    /// Who runs the server where we are root, whom it refuses.
    private static let user: (name: String, number: uid_t, group: gid_t)? = {
        guard getuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let found = getpwnam(name) { return (name, found.pointee.pw_uid, found.pointee.pw_gid) }
        }
        return nil
    }()

    /// Starts a program as the server's user, with no signal blocked, its output in the server's log.
    private func spawn(_ arguments: [String]) throws -> pid_t {
        // The server's user may not read the folder we are in. Both programs become the next one.
        var line = ["env", "-C", "/", "setpriv", "--pdeathsig=QUIT"]
        if let user = Self.user { line += ["--reuid=\(user.number)", "--regid=\(user.group)", "--clear-groups"] }
        line += arguments
        var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t(), none = sigset_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "\(folder)/server.log", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The server shall hold nothing of ours open.
        connectd_spawn_closes_from(&actions, 3)
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let variables: [String] = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"]
        let words = line.map { strdup($0) } + [nil]
        let environment = variables.map { strdup($0) } + [nil]
        defer { for word in words + environment { free(word) } }
        var started: pid_t = 0
        let code = posix_spawnp(&started, line[0], &actions, &attributes, words, environment)
        if code != 0 { throw Self.problem("\(line[0]) does not start: \(String(cString: strerror(code)))") }
        return started
    }

    /// The last line of the server's log; the log goes with the folder.
    private func lastWords() -> String {
        guard let file = fopen("\(folder)/server.log", "r") else { return "no word why" }
        var line: UnsafeMutablePointer<CChar>?, capacity = 0, words = "no word why"
        defer {
            fclose(file)
            free(line)
        }
        while getline(&line, &capacity, file) > 0 {
            guard let line else { break }
            let text = String(cString: line).split(separator: "\n").joined()
            if !text.isEmpty { words = text }
        }
        return words
    }

    /// The exit code of a child that has ended (128 and the signal's number for one that was killed), `nil` while it runs.
    private static func ended(_ child: pid_t) -> Int32? {
        var status: Int32 = 0
        let found = waitpid(child, &status, WNOHANG)
        if found == child { return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F) }
        return found < 0 && errno == ECHILD ? -1 : nil
    }

    private static func wait(for child: pid_t, seconds: Int) -> Int32? {
        let pause = WakeUp()
        for _ in 0..<seconds * 100 {
            if let code = ended(child) { return code }
            _ = pause.wait(milliseconds: 10)
        }
        return nil
    }

    private static func problem(_ words: String) -> ConnectError { ConnectError(.fatal, code: "quickstart.postgres", words) }
}
