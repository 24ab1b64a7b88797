internal import CSQLite

/// A layer over SQLite's own files that tells a ``WriteAheadObserver`` of them and does nothing else: <https://www.sqlite.org/vfs.html>.
///
/// Knows no shared memory, so a database in WAL mode has to be opened with `locking_mode=EXCLUSIVE`.
enum ObservedFiles {
    /// What to open a database with; `nil` where SQLite has no files of its own to put the layer on.
    /// Made once, never changed and never freed, so any thread may read it.
    nonisolated(unsafe) static let name: UnsafePointer<CChar>? = register()

    /// Tells an observer of a connection's files from here on, until the connection is closed.
    /// - Returns: false for a connection that was opened without this layer.
    static func observe(_ handle: OpaquePointer, _ observer: any WriteAheadObserver) -> Bool {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file, file.pointee.pMethods == methods else { return false }
        let database = content(file)
        database.pointee.releaseObserver()
        database.pointee.observer = Unmanaged.passRetained(Holder(observer)).toOpaque()
        return true
    }

    // MARK: memory

    private final class Holder {
        let observer: any WriteAheadObserver
        init(_ observer: any WriteAheadObserver) { self.observer = observer }
    }

    /// What stands in the memory that SQLite gives each file: behind its own `sqlite3_file`, before the file of the layer below.
    private struct Content {
        /// A `Holder`, owned by this file.
        var observer: UnsafeMutableRawPointer?
        var isLog = false
        /// The frame whose header was written last, and whose content is to follow at an offset.
        var page: UInt32 = 0
        var isCommit = false
        var contentOffset: Int64 = -1

        func releaseObserver() { if let observer { Unmanaged<Holder>.fromOpaque(observer).release() } }
    }
    private static let contentOffset = 16, fileOffset = 64

    private typealias File = UnsafeMutablePointer<sqlite3_file>

    private static func content(_ file: File) -> UnsafeMutablePointer<Content> {
        (UnsafeMutableRawPointer(file) + contentOffset).assumingMemoryBound(to: Content.self)
    }

    /// The file of the layer below.
    private static func below(_ file: File) -> File { (UnsafeMutableRawPointer(file) + fileOffset).assumingMemoryBound(to: sqlite3_file.self) }

    private static func observer(_ file: File) -> (any WriteAheadObserver)? {
        content(file).pointee.observer.map { Unmanaged<Holder>.fromOpaque($0).takeUnretainedValue().observer }
    }

    /// Hands a call on to the layer below. SQLite never calls a file that is not open; if it did, this would be an error and no crash.
    private static func pass(_ file: File?, _ call: (File, sqlite3_io_methods) -> Int32?) -> Int32 {
        guard let file, let methods = below(file).pointee.pMethods, let result = call(below(file), methods.pointee) else { return SQLITE_IOERR }
        return result
    }

    // MARK: the layer

    /// Made once, never changed and never freed, so any thread may read them: SQLite keeps pointers to them.
    nonisolated(unsafe) private static let system = sqlite3_vfs_find(nil)
    /// Made once, never changed and never freed, so any thread may read them.
    nonisolated(unsafe) private static let methods: UnsafePointer<sqlite3_io_methods> = {
        let made = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        var methods = sqlite3_io_methods()
        methods.iVersion = 1
        methods.xClose = { ObservedFiles.close($0) }
        methods.xRead = { ObservedFiles.read($0, $1, $2, $3) }
        methods.xWrite = { ObservedFiles.write($0, $1, $2, $3) }
        methods.xTruncate = { ObservedFiles.truncate($0, $1) }
        methods.xSync = { file, flags in ObservedFiles.pass(file) { $1.xSync?($0, flags) } }
        methods.xFileSize = { file, size in ObservedFiles.pass(file) { $1.xFileSize?($0, size) } }
        methods.xLock = { file, level in ObservedFiles.pass(file) { $1.xLock?($0, level) } }
        methods.xUnlock = { file, level in ObservedFiles.pass(file) { $1.xUnlock?($0, level) } }
        methods.xCheckReservedLock = { file, result in ObservedFiles.pass(file) { $1.xCheckReservedLock?($0, result) } }
        methods.xFileControl = { file, operation, argument in ObservedFiles.pass(file) { $1.xFileControl?($0, operation, argument) } }
        methods.xSectorSize = { file in ObservedFiles.pass(file) { $1.xSectorSize?($0) } }
        methods.xDeviceCharacteristics = { file in ObservedFiles.pass(file) { $1.xDeviceCharacteristics?($0) } }
        made.initialize(to: methods)
        return UnsafePointer(made)
    }()

    /// Everything but opening is the system's.
    private static func register() -> UnsafePointer<CChar>? {
        guard let system else { return nil }
        let characters = Array("connectd-observed".utf8CString)
        let name = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
        name.initialize(from: characters, count: characters.count)
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: system.pointee)
        layer.pointee.zName = UnsafePointer(name)
        layer.pointee.szOsFile = Int32(fileOffset) + system.pointee.szOsFile
        layer.pointee.pNext = nil
        layer.pointee.xOpen = { ObservedFiles.open($1, $2, $3, $4) }
        return sqlite3_vfs_register(layer, 0) == SQLITE_OK ? UnsafePointer(name) : nil
    }

    private static func open(_ name: UnsafePointer<CChar>?, _ file: File?, _ flags: Int32, _ result: UnsafeMutablePointer<Int32>?) -> Int32 {
        guard let file, let system, let open = system.pointee.xOpen else { return SQLITE_CANTOPEN }
        // Of journals and temporary files there is nothing to tell: they are the system's own, in the same memory.
        guard flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL) != 0 else { return open(system, name, file, flags, result) }
        file.pointee.pMethods = nil
        below(file).pointee.pMethods = nil
        let code = open(system, name, below(file), flags, result)
        guard code == SQLITE_OK else { return code }
        content(file).initialize(to: Content())
        content(file).pointee.isLog = flags & SQLITE_OPEN_WAL != 0
        if flags & SQLITE_OPEN_WAL != 0, let name, let database = sqlite3_database_file_object(name), database.pointee.pMethods == methods, let observer = observer(database) {
            content(file).pointee.observer = Unmanaged.passRetained(Holder(observer)).toOpaque()
        }
        file.pointee.pMethods = methods
        return SQLITE_OK
    }

    private static func close(_ file: File?) -> Int32 {
        let code = pass(file) { $1.xClose?($0) }
        if let file {
            content(file).pointee.releaseObserver()
            content(file).pointee.observer = nil
        }
        return code
    }

    private static func read(_ file: File?, _ bytes: UnsafeMutableRawPointer?, _ count: Int32, _ offset: Int64) -> Int32 {
        if let file, content(file).pointee.isLog { observer(file)?.logRead(at: offset) }
        return pass(file) { $1.xRead?($0, bytes, count, offset) }
    }

    private static func write(_ file: File?, _ bytes: UnsafeRawPointer?, _ count: Int32, _ offset: Int64) -> Int32 {
        guard let file, let bytes, let observer = observer(file) else { return pass(file) { $1.xWrite?($0, bytes, count, offset) } }
        let content = content(file)
        guard content.pointee.isLog else {
            if observer.mayLeaveOut(at: offset, byteCount: Int(count)) { return SQLITE_OK }
            return pass(file) { $1.xWrite?($0, bytes, count, offset) }
        }
        if offset == 0 { observer.logStartsAnew() }
        let code = pass(file) { $1.xWrite?($0, bytes, count, offset) }
        guard code == SQLITE_OK, offset > 0 else { return code }
        // https://www.sqlite.org/fileformat2.html#the_write_ahead_log: a header of 32 bytes, then frames, each of a header of 24 and a page.
        if count == 24 {
            content.pointee.page = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
            content.pointee.isCommit = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self) != 0
            content.pointee.contentOffset = offset + 24
        } else if offset == content.pointee.contentOffset, count >= 512 {
            content.pointee.contentOffset = -1
            observer.frameWritten(page: content.pointee.page, at: offset, isCommit: content.pointee.isCommit)
        } else {
            observer.logChanged(at: offset)
        }
        return code
    }

    private static func truncate(_ file: File?, _ size: Int64) -> Int32 {
        if let file, content(file).pointee.isLog { observer(file)?.logStartsAnew() }
        return pass(file) { $1.xTruncate?($0, size) }
    }
}
