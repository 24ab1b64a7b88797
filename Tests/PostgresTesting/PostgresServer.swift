import ConnectTesting
import Glibc
public import Postgres
import Synchronization

/// A real PostgreSQL server in a temporary folder, on a socket there and on a free port of the loopback.
///
/// A watcher process holds the other end of a pipe of ours: when this process ends, however it ends, the server is stopped and the folder removed.
/// Server programs: `$POSTGRES_BIN`, or what the distribution installed. They refuse to run as root, so root runs them as `postgres`.
public final class PostgresServer: Sendable {
    public let folder: String
    public let port: Int
    private let programs: String
    private let watcher: Int32

    public struct Options: Sendable {
        /// A test that stops the server hard and looks at what is left needs it.
        public var isDurable = false
        public var settings: [String] = []
        public init(isDurable: Bool = false, settings: [String] = []) {
            self.isDurable = isDurable
            self.settings = settings
        }
    }

    /// The one server that suites share; each makes a database of its own in it. Started when first asked for.
    public static func shared() throws -> PostgresServer { try sharedResult.get() }
    private static let sharedResult = Result { try PostgresServer() }

    public init(_ options: Options = Options()) throws {
        programs = try PostgresServer.findPrograms()
        (folder, port, watcher) = try PostgresServer.place()
        try run("initdb", ["-D", "\(folder)/data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"])
        try write(options)
        try start()
    }

    deinit { close(watcher) }

    /// A hot standby that follows a primary, made from a copy of its folder: not every set of server programs has pg_basebackup.
    private init(standbyOf primary: PostgresServer) throws {
        programs = primary.programs
        (folder, port, watcher) = try PostgresServer.place()
        try primary.stop()
        let copied = try ChildProcess.run(["cp", "-a", "\(primary.folder)/data", "\(folder)/data"])
        try primary.start()
        if copied != 0 { throw ServerProblem("the primary's folder could not be copied") }
        if getuid() == 0 { try ChildProcess.run(["chown", PostgresServer.user, folder]) }
        try ChildProcess.run(["touch", "\(folder)/data/standby.signal"])
        if getuid() == 0 { try ChildProcess.run(["chown", PostgresServer.user, "\(folder)/data/standby.signal"]) }
        try PostgresServer.append(
            "port = \(port)\nunix_socket_directories = '\(folder)'\nprimary_conninfo = 'host=\(primary.folder) port=\(primary.port) user=postgres'\n",
            to: "\(folder)/data/postgresql.conf")
        try start()
    }

    /// The primary is stopped for a moment: sessions with it end.
    public func makeStandby() throws -> PostgresServer { try PostgresServer(standbyOf: self) }

    public func promote() throws { try run("pg_ctl", ["-D", "\(folder)/data", "-w", "-t", "60", "promote"]) }

    /// A folder, a port, and a watcher that clears both away when we are gone.
    private static func place() throws -> (folder: String, port: Int, watcher: Int32) {
        var template = Array("/tmp/connectd-postgres-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServerProblem("no temporary folder: \(String(cString: strerror(errno)))") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(folder, 0o755)
        let port = try PostgresServer.freePort()
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ServerProblem("no pipe") }
        // Nobody else may hold the end whose closing is the signal.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // `read` returns when the last write end is closed.
        let script = """
            read nothing
            test -f "$1/data/postmaster.pid" && kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" 2>/dev/null
            sleep 0.3
            rm -rf "$1"
            """
        _ = try ChildProcess.spawn(["/bin/sh", "-c", script, "connectd-postgres-watcher", folder], inputDescriptor: ends[0])
        close(ends[0])
        if getuid() == 0 { try ChildProcess.run(["chown", PostgresServer.user, folder]) }
        return (folder, port, ends[1])
    }

    private func write(_ options: Options) throws {
        var settings = [
            "listen_addresses = '127.0.0.1'", "port = \(port)", "unix_socket_directories = '\(folder)'", "max_connections = 100",
            "max_prepared_transactions = 32", "password_encryption = 'scram-sha-256'", "shared_buffers = '64MB'", "max_wal_senders = 4",
            "log_min_messages = fatal",
        ]
        if !options.isDurable { settings += ["fsync = off", "full_page_writes = off"] }
        settings += options.settings
        try PostgresServer.append(settings.joined(separator: "\n") + "\n", to: "\(folder)/data/postgresql.conf")
        // The socket trusts; the port wants a password.
        let access = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal replication all trust\n"
        truncate("\(folder)/data/pg_hba.conf", 0)
        try PostgresServer.append(access, to: "\(folder)/data/pg_hba.conf")
    }

    public func start() throws { try run("pg_ctl", ["-D", "\(folder)/data", "-l", "\(folder)/server.log", "-w", "-t", "60", "start"]) }

    /// - Parameter mode: `fast`, `smart`, or `immediate` (which is a crash).
    public func stop(_ mode: String = "fast") throws { try run("pg_ctl", ["-D", "\(folder)/data", "-w", "-t", "60", "-m", mode, "stop"]) }

    /// Keeps a copy of its folder, as a backup does. Sessions with it end.
    public func keepCopy() throws {
        try stop()
        try ChildProcess.run(["rm", "-rf", "\(folder)/kept"])
        if try ChildProcess.run(["cp", "-a", "\(folder)/data", "\(folder)/kept"]) != 0 { throw ServerProblem("the folder could not be copied") }
        try start()
    }

    /// Crashes it and puts the kept copy in its place: what was committed since is lost.
    public func putBackCopy() throws {
        try stop("immediate")
        try ChildProcess.run(["rm", "-rf", "\(folder)/data"])
        if try ChildProcess.run(["cp", "-a", "\(folder)/kept", "\(folder)/data"]) != 0 { throw ServerProblem("the copy could not be put back") }
        try start()
    }

    /// Runs one of the server's programs as the user that may.
    public func run(_ program: String, _ arguments: [String]) throws {
        var command = ["\(programs)/\(program)"] + arguments
        if getuid() == 0 { command = ["setpriv", "--reuid=\(PostgresServer.user)", "--regid=\(PostgresServer.group)", "--clear-groups"] + command }
        let log = "\(folder)/programs.log"
        let code = try ChildProcess.run(command, outputPath: log)
        if code != 0 { throw ServerProblem("\(program) ended with \(code): see \(log)") }
    }

    /// How to reach a database through the socket, as the superuser.
    public func url(_ database: String, user: String = "postgres") -> String {
        "postgresql://\(user)@:\(port)/\(database)?host=\(folder)"
    }

    public func connect(_ database: String = "postgres") throws -> Connection {
        try Connection.open(ConnectionParameters(url: url(database)))
    }

    /// Makes a database with a name of its own.
    public func makeDatabase() throws -> String {
        let name = "test_\(PostgresServer.counter.wrappingAdd(1, ordering: .relaxed).newValue)"
        let connection = try connect()
        defer { connection.close() }
        try connection.execute("CREATE DATABASE \(name)")
        return name
    }
    private static let counter = Atomic<Int>(0)

    /// Whether this machine has a server to start; suites that need one are skipped by name where it has none.
    public static let isAvailable = (try? findPrograms()) != nil

    /// Who runs the server when we are root.
    private static let user = getpwnam("postgres") == nil ? "nobody" : "postgres"
    private static let group = getpwnam("postgres") == nil ? "nogroup" : "postgres"

    private static func findPrograms() throws -> String {
        if let given = getenv("POSTGRES_BIN") { return String(cString: given) }
        for version in stride(from: 20, through: 13, by: -1) {
            let path = "/usr/lib/postgresql/\(version)/bin"
            if access("\(path)/initdb", X_OK) == 0 { return path }
        }
        throw ServerProblem("no PostgreSQL server: install postgresql, or set POSTGRES_BIN to a folder with initdb and postgres")
    }

    private static func append(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw ServerProblem("cannot write \(path)") }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)
        _ = Glibc.write(descriptor, &bytes, bytes.count)
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw ServerProblem("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
