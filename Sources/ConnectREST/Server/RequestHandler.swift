/// Answers requests: what a server is given to serve. Thread-safe; called on the server's handler threads, and may block there.
public protocol RequestHandler: Sendable {
    /// - Parameter method: as the client wrote it. `rawTarget`: path and query, nothing decoded.
    func respond(method: String, rawTarget: String, headers: Headers, body: [UInt8]) -> Response
    /// The server ends: calls that wait for something to happen return with what they have.
    func endWaiting()
}

extension RequestHandler {
    public func endWaiting() {}
}
