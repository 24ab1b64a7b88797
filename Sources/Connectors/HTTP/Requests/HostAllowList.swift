package import ConnectRuntime

/// Where templated URLs may lead: `host`, `host:port`, `*.domain` (subdomains only).
package struct HostAllowList: Sendable, Hashable {
    private struct Entry: Sendable, Hashable {
        let host: String
        let port: Int?
        let isSuffix: Bool
    }
    private let entries: [Entry]

    package init(_ written: [String]) throws(SettingError) {
        var entries: [Entry] = []
        for item in written {
            var host = item.lowercased(), port: Int?
            if !host.hasSuffix("]"), let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")) {
                guard let number = Int(host[host.index(after: colon)...]), (1...65535).contains(number) else {
                    throw SettingError("has an entry that is no host or host:port: \(item)")
                }
                port = number
                host = String(host[..<colon])
            }
            let isSuffix = host.hasPrefix("*.")
            if isSuffix { host = String(host.dropFirst()) }
            guard !host.isEmpty, host != ".", !host.utf8.contains(UInt8(ascii: "*")), !host.utf8.contains(UInt8(ascii: "/")) else {
                throw SettingError("has an entry that is no host or host:port: \(item)")
            }
            entries.append(Entry(host: host, port: port, isSuffix: isSuffix))
        }
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// - Parameter host: as the URL parser gives it: lower case, IPv6 in brackets.
    package func allows(host: String, port: Int) -> Bool {
        entries.contains { entry in
            guard entry.port == nil || entry.port == port else { return false }
            return entry.isSuffix ? host.utf8.count > entry.host.utf8.count && host.hasSuffix(entry.host) : equalBytes(host, entry.host)
        }
    }
}
