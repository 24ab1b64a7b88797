import CCurl

/// Why an exchange came to no answer. Never holds a header, a body or the query of a URL, so it can be shown.
public struct CurlError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What the caller's next move depends on.
    public enum Kind: String, Sendable, Hashable {
        /// No connection came about: refused, unreachable, the name is unknown, the handshake broke off.
        case connect
        /// The time was over.
        case timeout
        /// The connection broke before the answer was complete.
        case broken
        /// The other side's certificate is not trusted, or one of our own files cannot be used: trying again will not help.
        case trust
        /// The address or URL is one that must not be reached.
        case refused
        /// A setting, a URL, memory: a mistake on this side.
        case local
    }

    public let kind: Kind
    /// libcurl's own number, for looking up.
    public let code: Int
    public let message: String

    public init(_ kind: Kind, code: Int, _ message: String) {
        self.kind = kind
        self.code = code
        self.message = message
    }

    init(_ code: CURLcode, detail: String) {
        self.init(Self.kind(code), code: Int(code.rawValue), detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail)
    }

    static func kind(_ code: CURLcode) -> Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR, CURLE_PROXY: .connect
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CIPHER,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_SSL_ENGINE_NOTFOUND: .trust
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_FAILED_INIT, CURLE_OUT_OF_MEMORY,
            CURLE_NOT_BUILT_IN, CURLE_UNKNOWN_OPTION: .local
        default: .broken
        }
    }

    public var description: String { "\(message) (curl \(code))" }
}
