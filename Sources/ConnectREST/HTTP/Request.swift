import ConnectRuntime

/// A request as the handlers see it: what came over the wire, with nothing of the server that carried it.
public struct Request: Sendable {
    public let method: Method
    public let target: Target
    public let headers: Headers
    public let body: [UInt8]

    public init(method: Method, target: Target, headers: Headers = Headers(), body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

public enum Method: String, Sendable, CaseIterable {
    case head = "HEAD", delete = "DELETE", post = "POST", get = "GET", options = "OPTIONS", patch = "PATCH", put = "PUT"

    /// Whether it only looks.
    var isSafe: Bool { self == .get || self == .head || self == .options }
}

/// Header fields in their order; names compare without regard to case.
public struct Headers: Sendable, Hashable {
    public private(set) var fields: [Field]

    public struct Field: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    public init(_ pairs: KeyValuePairs<String, String> = [:]) { fields = pairs.map { Field(name: $0.key, value: $0.value) } }

    public mutating func add(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    public subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return fields.first { equalBytes($0.name.lowercased(), wanted) }?.value
    }
}
