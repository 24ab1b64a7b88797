/// What holds for every exchange of a handle: set once, connections and TLS sessions are reused beneath.
///
/// Redirects are never followed (they drop the body or carry a token elsewhere), proxies of the environment are not used, only HTTP and HTTPS are spoken.
public struct CurlOptions: Sendable {
    public var connectTimeoutMilliseconds = 2_000
    /// From the first byte of connecting to the last of the answer.
    public var requestTimeoutMilliseconds = 30_000
    /// Most bytes of an answer's body that are kept; the rest is read and dropped.
    public var responseLimit = 64 * 1024
    /// Whether the server may compress its answers. Asking for it makes every request longer, and answers of a few bytes gain nothing.
    public var compressedAnswers = true
    /// Whether an answer of this status keeps its headers: most answers are asked for nothing but their status.
    public var keepsHeaders: @Sendable (_ status: Int) -> Bool = { _ in true }
    public var tls = CurlTLS()
    public var version = Version.http2WhereTLS
    /// A proxy's URL, `nil` for none.
    public var proxy: String?
    public var proxyUser: String?
    public var proxyPassword: String?
    /// Which resolved addresses may be connected to.
    public var addresses = AddressPolicy.any

    public enum Version: Sendable { case http1, http2WhereTLS, http2 }

    public init() {}
}

/// Whom to trust, and as whom to show oneself.
public struct CurlTLS: Sendable {
    /// PEM text or the path of a PEM file; `nil` trusts the system's authorities.
    public var authorities: PEM?
    public var clientCertificate: PEM?
    public var clientKey: PEM?
    public var clientKeyPassword: String?
    /// `sha256//<base64>`: the public key the server must have.
    public var pinnedKey: String?
    /// Whether the server's certificate must be for the name in the URL.
    public var verifiesName = true
    /// Switched off, anybody can answer. For tests of one's own.
    public var verifiesServer = true

    public enum PEM: Sendable, Hashable {
        case path(String)
        case text(String)
        /// PEM text is recognised by its first line; anything else is a path.
        public init(_ written: String) { self = written.utf8.starts(with: "-----BEGIN ".utf8) ? .text(written) : .path(written) }
    }

    public init() {}
}
