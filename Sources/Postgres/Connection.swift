internal import CPostgres
internal import Glibc

/// One session with a PostgreSQL server. Used on one thread; never waits beyond its bounds.
///
/// The socket is non-blocking: every wait is a `poll(2)` on it and on ``interruption``'s descriptor, with a deadline. There is no cancel request
/// (libpq 15's travels unencrypted): giving up closes the session, and the server, told to look for its client every second, ends the statement.
public final class Connection {
    /// What wakes a wait early.
    public struct Interruption: Sendable {
        /// Readable when somebody wants the thread (an eventfd); −1 for none.
        public let descriptor: Int32
        /// How long a statement in flight may still go on before the session is closed under it.
        public let graceMilliseconds: Int
        public init(descriptor: Int32, graceMilliseconds: Int) {
            self.descriptor = descriptor
            self.graceMilliseconds = graceMilliseconds
        }
        public static let none = Interruption(descriptor: -1, graceMilliseconds: 0)
    }

    public var interruption: Interruption
    /// The longest a single wait for the server may last, in milliseconds; each byte that arrives starts it anew.
    public var silenceLimitMilliseconds = 15 * 60 * 1000

    let scrubber: Scrubber
    let parameters: ConnectionParameters
    private(set) var pointer: OpaquePointer?
    let notices: NoticeBox
    private var noticesRetained: Unmanaged<NoticeBox>?
    var pendingNotifications: [Notification] = []
    /// When the grace of the statement in flight ends; `nil` while nobody wants the thread.
    var graceEnd: Deadline?
    /// The COPY whose rows are taken while other things are done.
    var ahead: AheadCopy?

    private init(_ pointer: OpaquePointer, _ parameters: ConnectionParameters, _ interruption: Interruption) {
        self.pointer = pointer
        self.parameters = parameters
        self.interruption = interruption
        scrubber = parameters.scrubber
        notices = NoticeBox()
    }

    deinit { close() }

    /// Opens a session and pins its settings (``SessionSettings``).
    ///
    /// - Parameters:
    ///   - timeoutMilliseconds: for all of it, all hosts together.
    /// - Throws: ``PostgresError``: `.connection` when nobody answers (in time), `.authentication` when the server refuses us, `.interrupted`.
    public static func open(
        _ parameters: ConnectionParameters, settings: SessionSettings = .pinned, timeoutMilliseconds: Int = 10_000, interruption: Interruption = .none
    ) throws(PostgresError) -> Connection {
        try parameters.checkKeywords()
        var keywords = parameters
        let searchPath = keywords[ConnectionParameters.searchPath]
        keywords[ConnectionParameters.searchPath] = nil
        if keywords["application_name"] == nil { keywords["application_name"] = "connectd" }
        keywords["client_encoding"] = "UTF8"
        // libpq's own waits do not happen in the non-blocking way, but its limit per host does for names that resolve to several addresses.
        if keywords["connect_timeout"] == nil { keywords["connect_timeout"] = String(max(2, timeoutMilliseconds / 1000)) }
        for keyword in keywords.keywords where keyword.value.utf8.contains(0) {
            throw PostgresError(.permanent, "the connection parameter \(keyword.name) holds a NUL character")
        }
        let pairs = keywords.keywords
        guard let pointer = withCStrings(pairs.map(\.name), { names in withCStrings(pairs.map(\.value)) { PQconnectStartParams(names, $0, 0) } })
        else { throw PostgresError(.transient, "no memory for a connection") }
        let connection = Connection(pointer, parameters, interruption)
        do throws(PostgresError) {
            try connection.finishConnecting(Deadline(milliseconds: timeoutMilliseconds))
            guard PQsetnonblocking(pointer, 1) == 0 else { throw connection.sessionError() }
            connection.receiveNotices()
            try connection.apply(settings, searchPath: searchPath)
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private func finishConnecting(_ deadline: Deadline) throws(PostgresError) {
        guard PQstatus(pointer) != CONNECTION_BAD else { throw sessionError(connecting: true) }
        // libpq: behave as if PQconnectPoll had last said "writing".
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            if state == PGRES_POLLING_FAILED { throw sessionError(connecting: true) }
            switch waitForSocket(reading: state == PGRES_POLLING_READING, writing: state == PGRES_POLLING_WRITING, deadline) {
            case .ready: break
            case .timedOut: throw PostgresError(.connection, "no answer within \(deadline.milliseconds) ms from \(parameters)")
            case .interrupted: throw PostgresError(.interrupted, "gave up connecting to \(parameters): the task is wanted")
            case .failed(let code): throw PostgresError(.connection, "waiting for \(parameters) failed: \(String(cString: strerror(code)))")
            }
            state = PQconnectPoll(pointer)
        }
    }

    private func receiveNotices() {
        let retained = Unmanaged.passRetained(notices)
        noticesRetained = retained
        PQsetNoticeReceiver(pointer, receiveNotice, retained.toOpaque())
    }

    /// Ends the session. Whatever transaction was open rolls back. May be called again.
    public func close() {
        if let pointer { PQfinish(pointer) }
        pointer = nil
        ahead = nil
        noticesRetained?.release()
        noticesRetained = nil
    }

    /// Whether the session can still be used.
    public var isOpen: Bool { pointer != nil && PQstatus(pointer) == CONNECTION_OK }

    /// e.g. 150004
    public var serverVersion: Int { pointer == nil ? 0 : Int(PQserverVersion(pointer)) }

    /// The number of the server's process for this session, as `pg_stat_activity.pid` shows it.
    public var backendProcess: Int32 { pointer == nil ? 0 : PQbackendPID(pointer) }

    /// Whether a transaction block is open, failed ones too.
    public var isInTransaction: Bool {
        guard pointer != nil else { return false }
        let status = PQtransactionStatus(pointer)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Where it goes, without secrets.
    public var place: String { parameters.description }

    /// Takes the notices that came since the last call (the newest sixty-four).
    public func takeNotices() -> [Notice] { notices.take() }
}

/// Lends an array of C strings with a terminating null pointer.
func withCStrings<R>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let pointers = copies.map { UnsafePointer<CChar>($0) } + [nil]
    return pointers.withUnsafeBufferPointer { buffer in
        // Never empty: the terminator is always there.
        guard let base = buffer.baseAddress else { preconditionFailure("an array with a terminator has an address") }
        return body(base)
    }
}
