/// A request as the scripted server got it.
public struct ScriptedRequest: Sendable {
    public let method: String
    /// Exactly as it stood in the request line.
    public let target: String
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    /// All values of a header, names compared without case.
    public func headers(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased().utf8.elementsEqual(name.lowercased().utf8) }.map(\.value)
    }
    public func header(_ name: String) -> String? { headers(name).first }
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// What the scripted server does with a request.
public enum ScriptedAnswer: Sendable {
    case status(Int, headers: [(String, String)] = [], body: String = "")
    /// The connection is reset (RST) without an answer.
    case reset
    /// The connection is closed in order, without an answer.
    case close
    /// Nothing comes; the connection stays open until the other side or the test ends it.
    case silence
    /// Promises `promised` bytes and closes the connection after these.
    case cut(Int, body: String, promised: Int)
    /// The body in pieces, so many milliseconds between them.
    case slow(Int, pieces: [String], milliseconds: Int)
}
