import ConnectRuntime

/// Keeps pages in a browser from driving a worker that listens on loopback for its owner.
///
/// A page of another site can send requests, and after a DNS trick even read answers: it then names itself in `Origin`, or its own
/// name in `Host`. Programs send neither, or the address they really mean.
public struct BrowserGuard: Sendable {
    /// Host names beside IP addresses and `localhost` under which the worker is known; `nil`: any (it listens beyond loopback).
    public let allowedHosts: [String]?

    public init(allowedHosts: [String]?) { self.allowedHosts = allowedHosts?.map { $0.lowercased() } }

    /// A sentence that says why, `nil` when the request may pass.
    public func refusal(_ headers: Headers) -> String? {
        let host = headers["Host"]
        if let host, let allowedHosts {
            let name = Self.hostName(host)
            guard Self.isAddressOrLocal(name) || allowedHosts.contains(name) else {
                return "The request names the host \"\(name)\", which is not this worker's: it listens on loopback only. "
                    + "Set rest.advertised.host.name if it is known under that name"
            }
        }
        if let origin = headers["Origin"] {
            let place = origin.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init) ?? ""
            guard let host, place.lowercased() == host.lowercased() else {
                return "The request comes from a page of another site (\(origin))"
            }
        }
        return nil
    }

    static func hostName(_ host: String) -> String {
        let lower = host.lowercased()
        if lower.hasPrefix("[") { return String(lower.prefix { $0 != "]" }.dropFirst()) }
        return String(lower.prefix { $0 != ":" })
    }

    static func isAddressOrLocal(_ name: String) -> Bool {
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        if name.contains(":") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
