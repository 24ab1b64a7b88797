import CCurl

/// Many exchanges on one thread. For one thread at a time; another wakes it through a descriptor it waits on beside its sockets.
public final class CurlMulti {
    private let handle: UnsafeMutableRawPointer
    private var running: [CurlEasy] = []

    /// Whether the descriptor beside the sockets was readable when the last ``step(milliseconds:beside:)`` waited.
    public private(set) var wasWoken = false

    public struct Finished {
        public let easy: CurlEasy
        public let result: Result<CurlResponse, CurlError>
    }

    /// - Parameter connections: most connections to one host, and most that are kept open in all.
    public init(connections: Int) throws(CurlError) {
        guard CurlLibrary.isReady, let handle = curl_multi_init() else { throw CurlError(.local, code: Int(CURLE_FAILED_INIT.rawValue), "libcurl cannot be initialised") }
        self.handle = handle
        _ = connectd_curl_multi_set_long(handle, CURLMOPT_MAX_HOST_CONNECTIONS, connections)
        _ = connectd_curl_multi_set_long(handle, CURLMOPT_MAXCONNECTS, connections)
    }

    deinit {
        for easy in running { curl_multi_remove_handle(handle, easy.handle) }
        curl_multi_cleanup(handle)
    }

    /// Exchanges that were started and have not come back.
    public var count: Int { running.count }

    /// Begins an exchange. It moves only in ``step(milliseconds:beside:)``.
    /// - Throws: ``CurlError`` `.local` for a request that cannot be.
    public func start(_ request: CurlRequest, on easy: CurlEasy) throws(CurlError) {
        try easy.prepare(request)
        let code = curl_multi_add_handle(handle, easy.handle)
        guard code == CURLM_OK else { throw CurlError(.local, code: Int(code.rawValue), String(cString: curl_multi_strerror(code))) }
        running.append(easy)
    }

    /// Breaks an exchange off; its connection is closed. Does nothing when it is not under way.
    public func cancel(_ easy: CurlEasy) {
        if take(easy.handle) != nil { curl_multi_remove_handle(handle, easy.handle) }
    }

    /// Moves everything on, waits at most so long until something is done, and returns what is.
    /// - Parameter wake: a descriptor that ends the wait when it becomes readable (−1: none). It is not read.
    public func step(milliseconds: Int, beside wake: Int32 = -1) throws(CurlError) -> [Finished] {
        wasWoken = false
        try perform()
        let done = finished()
        if !done.isEmpty || milliseconds <= 0 { return done }
        var extra = curl_waitfd(fd: wake, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        let code = curl_multi_poll(handle, &extra, wake >= 0 ? 1 : 0, Int32(clamping: milliseconds), nil)
        guard code == CURLM_OK else { throw CurlError(.local, code: Int(code.rawValue), String(cString: curl_multi_strerror(code))) }
        wasWoken = wake >= 0 && extra.revents != 0
        try perform()
        return finished()
    }

    /// There are as many as connections at most, and the oldest mostly ends first: a search costs less than a dictionary.
    private func take(_ pointer: UnsafeMutableRawPointer) -> CurlEasy? {
        guard let index = running.firstIndex(where: { $0.handle == pointer }) else { return nil }
        return running.remove(at: index)
    }

    private func perform() throws(CurlError) {
        var count: Int32 = 0
        let code = curl_multi_perform(handle, &count)
        guard code == CURLM_OK else { throw CurlError(.local, code: Int(code.rawValue), String(cString: curl_multi_strerror(code))) }
    }

    private func finished() -> [Finished] {
        var done: [Finished] = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let pointer = message.pointee.easy_handle else { continue }
            let code = connectd_curl_message_result(message)
            if done.isEmpty { done.reserveCapacity(running.count) }
            curl_multi_remove_handle(handle, pointer)
            if let easy = take(pointer) { done.append(Finished(easy: easy, result: easy.outcome(code))) }
        }
        return done
    }
}
