import CCurl

/// A URL taken apart by libcurl's own parser, so that what is checked is what will be connected to.
public struct CurlURL: Sendable, Hashable {
    public let scheme: String
    /// Lower case; an IPv6 address stands in brackets, an IPv4 address in any notation comes as four decimal numbers.
    public let host: String
    public let port: Int
    public let path: String
    public let hasCredentials: Bool
    public let hasQuery: Bool

    /// `nil` when it is no URL with scheme and host.
    public init?(_ text: String) {
        guard CurlLibrary.isReady, let url = curl_url() else { return nil }
        defer { curl_url_cleanup(url) }
        guard curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK else { return nil }
        guard let scheme = Self.part(url, CURLUPART_SCHEME), let host = Self.part(url, CURLUPART_HOST), !host.isEmpty,
            let port = Self.part(url, CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) })
        else { return nil }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        path = Self.part(url, CURLUPART_PATH) ?? "/"
        hasCredentials = Self.part(url, CURLUPART_USER) != nil || Self.part(url, CURLUPART_PASSWORD) != nil
        hasQuery = Self.part(url, CURLUPART_QUERY) != nil
    }

    private static func part(_ url: OpaquePointer, _ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// `scheme://host:port`: what connections, breakers and allow-lists go by.
    public var origin: String { "\(scheme)://\(host):\(port)" }

    /// For messages: without credentials, query and fragment, where secrets stand.
    public var shown: String { "\(scheme)://\(host):\(port)\(path)" + (hasQuery ? "?…" : "") }
}
