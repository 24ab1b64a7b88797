import CCurl
import Glibc

/// One handle: one exchange at a time, again and again over a connection that is kept. For one thread at a time.
public final class CurlEasy {
    let handle: UnsafeMutableRawPointer
    private let receiver: Receiver
    /// Keeps the receiver alive for the callbacks: retained once here, released once at the end.
    private let userData: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers = HeaderList()
    private let keepsHeaders: @Sendable (Int) -> Bool
    /// The URL, taken apart once: given as text, libcurl would parse it and put it together again for every exchange.
    private var parsedURL: OpaquePointer?
    private var url = ""
    /// The body as libcurl reads it; lives until the next exchange begins.
    private var body = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var method = ""

    /// - Throws: ``CurlError`` when the library refuses an option: a file that is missing shows only at the first exchange.
    public init(_ options: CurlOptions, tag: Int = 0) throws(CurlError) {
        guard CurlLibrary.isReady, let handle = curl_easy_init() else { throw CurlError(.local, code: Int(CURLE_FAILED_INIT.rawValue), "libcurl cannot be initialised") }
        self.handle = handle
        self.tag = tag
        keepsHeaders = options.keepsHeaders
        receiver = Receiver(limit: options.responseLimit, addresses: options.addresses)
        userData = Unmanaged.passRetained(receiver).toOpaque()
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try apply(options)
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_url_cleanup(parsedURL)
        headers.removeAll()
        body.deallocate()
        errorText.deallocate()
        Unmanaged<Receiver>.fromOpaque(userData).release()
    }

    private func apply(_ options: CurlOptions) throws(CurlError) {
        try check(connectd_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText))
        try check(connectd_curl_set_body_callback(handle, receiveBody, userData))
        try check(connectd_curl_set_socket_callback(handle, openSocket, userData))
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_NOPROGRESS, 1)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_TCP_NODELAY, 1)
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeoutMilliseconds)
        try set(CURLOPT_TIMEOUT_MS, options.requestTimeoutMilliseconds)
        // Any encoding that libcurl can undo.
        if options.compressedAnswers { try set(CURLOPT_ACCEPT_ENCODING, "") }
        // An empty proxy also keeps the environment's out, and an empty list of exceptions the environment's list.
        try set(CURLOPT_PROXY, options.proxy ?? "")
        try set(CURLOPT_NOPROXY, "")
        if let user = options.proxyUser { try set(CURLOPT_PROXYUSERNAME, user) }
        if let password = options.proxyPassword { try set(CURLOPT_PROXYPASSWORD, password) }
        switch options.version {
        case .http1: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        case .http2WhereTLS: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        case .http2: try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE))
        }
        try apply(options.tls)
    }

    private func apply(_ tls: CurlTLS) throws(CurlError) {
        try set(CURLOPT_SSL_VERIFYPEER, tls.verifiesServer ? 1 : 0)
        try set(CURLOPT_SSL_VERIFYHOST, tls.verifiesServer && tls.verifiesName ? 2 : 0)
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let pem = tls.authorities {
            try set(pem, path: CURLOPT_CAINFO, blob: CURLOPT_CAINFO_BLOB)
            // Those and nobody else: the system's folder of authorities would still be asked.
            try check(connectd_curl_set_text(handle, CURLOPT_CAPATH, nil))
        }
        if let pem = tls.clientCertificate { try set(pem, path: CURLOPT_SSLCERT, blob: CURLOPT_SSLCERT_BLOB) }
        if let pem = tls.clientKey { try set(pem, path: CURLOPT_SSLKEY, blob: CURLOPT_SSLKEY_BLOB) }
        if let password = tls.clientKeyPassword { try set(CURLOPT_KEYPASSWD, password) }
        if let pin = tls.pinnedKey { try set(CURLOPT_PINNEDPUBLICKEY, pin) }
    }

    private func set(_ pem: CurlTLS.PEM, path: CURLoption, blob: CURLoption) throws(CurlError) {
        switch pem {
        case .path(let text): try set(path, text)
        case .text(let text):
            let bytes = Array(text.utf8)
            try check(bytes.withUnsafeBytes { connectd_curl_set_blob(handle, blob, $0.baseAddress, $0.count) })
        }
    }

    private func set(_ option: CURLoption, _ value: Int) throws(CurlError) { try check(connectd_curl_set_long(handle, option, value)) }
    private func set(_ option: CURLoption, _ value: String) throws(CurlError) { try check(connectd_curl_set_text(handle, option, value)) }
    private func check(_ code: CURLcode) throws(CurlError) {
        if code != CURLE_OK { throw CurlError(code, detail: "") }
    }

    /// For its owner, who finds by it what the handle is at.
    public let tag: Int

    /// Which part of an answer's body later exchanges keep, where it differs from the options'.
    public var responseLimit: Int {
        get { receiver.answer.limit }
        set { receiver.answer.limit = newValue }
    }

    /// Makes the handle ready for a request; the body is copied.
    /// - Throws: ``CurlError`` `.local` for a URL or method that cannot be.
    func prepare(_ request: CurlRequest) throws(CurlError) {
        receiver.begin()
        errorText[0] = 0
        if parsedURL == nil || !equalBytes(url, request.url) { try parse(request.url) }
        if try headers.set(request, refusesExpect: request.body?.count ?? 0 >= CurlEasy.largeBody) {
            try check(connectd_curl_set_list(handle, CURLOPT_HTTPHEADER, headers.list))
        }
        try prepareBody(request)
    }

    private func parse(_ text: String) throws(CurlError) {
        // A new one each time: in a handle that holds a URL already, text without a scheme would count as relative to it.
        guard let parsed = curl_url() else { throw CurlError(CURLE_OUT_OF_MEMORY, detail: "") }
        let code = curl_url_set(parsed, CURLUPART_URL, text, CurlEasy.urlFlags)
        guard code == CURLUE_OK else {
            curl_url_cleanup(parsed)
            throw CurlError(CURLE_URL_MALFORMAT, detail: String(cString: curl_url_strerror(code)))
        }
        let before = parsedURL
        parsedURL = parsed
        url = text
        let set = connectd_curl_set_pointer(handle, CURLOPT_CURLU, UnsafeRawPointer(parsed))
        curl_url_cleanup(before)
        try check(set)
    }

    /// As libcurl reads a URL it is given as text. Dots in a path are data (a record's key): they go out as they are written.
    private static let urlFlags = UInt32(CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS)
    /// From a mebibyte on libcurl sends "Expect: 100-continue" and waits a second for the answer.
    private static let largeBody = 1 << 20

    private func prepareBody(_ request: CurlRequest) throws(CurlError) {
        guard let bytes = request.body else {
            try set(CURLOPT_HTTPGET, 1)
            try set(CURLOPT_NOBODY, equalBytes(request.method, "HEAD") ? 1 : 0)
            try check(connectd_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, equalBytes(request.method, "GET") ? nil : request.method))
            method = ""
            return
        }
        if body.count < bytes.count || body.baseAddress == nil {
            body.deallocate()
            body = .allocate(byteCount: max(bytes.count, 1024), alignment: 16)
        }
        body.copyBytes(from: bytes)
        // Set for each exchange: after one without a body the handle is no POST any more.
        try set(CURLOPT_POST, 1)
        try check(connectd_curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
        try check(connectd_curl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress))
        if !equalBytes(method, request.method) {
            try check(connectd_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, equalBytes(request.method, "POST") ? nil : request.method))
            method = request.method
        }
    }

    /// What an exchange that is done came to.
    func outcome(_ code: CURLcode) -> Result<CurlResponse, CurlError> {
        if receiver.refusedAddress, code != CURLE_OK {
            return .failure(CurlError(.refused, code: Int(code.rawValue), "the host's address is loopback or link-local, which is not allowed here"))
        }
        guard code == CURLE_OK else { return .failure(CurlError(code, detail: String(cString: errorText))) }
        var status = 0
        _ = connectd_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        let answer = receiver.answer
        return .success(CurlResponse(status: status, headers: keepsHeaders(status) ? answerHeaders() : [], body: answer.body, isBodyCut: answer.isBodyCut))
    }

    /// Most bytes of an answer's headers that are kept.
    private static let headerLimit = 32 * 1024

    /// Of the last answer, not of one before it (100 Continue) and not a proxy's: libcurl keeps them until the next exchange.
    private func answerHeaders() -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        var room = CurlEasy.headerLimit
        var last: UnsafeMutablePointer<curl_header>?
        while let header = curl_easy_nextheader(handle, UInt32(CURLH_HEADER), -1, last) {
            last = header
            guard let name = header.pointee.name, let value = header.pointee.value else { continue }
            let size = strlen(name) + strlen(value)
            if size > room { continue }
            room -= size
            found.append((String(cString: name), String(cString: value)))
        }
        return found
    }

    /// Which HTTP version the last answer came in: 1 or 2.
    public var lastVersion: Int {
        var version = 0
        _ = connectd_curl_get_long(handle, CURLINFO_HTTP_VERSION, &version)
        return version == Int(CURL_HTTP_VERSION_2_0) ? 2 : 1
    }

    /// Connects to a URL's server, with TLS where the URL says so, and sends no request. The handle is of no other use afterwards.
    public func connect(_ url: String) throws(CurlError) {
        receiver.begin()
        errorText[0] = 0
        try set(CURLOPT_CONNECT_ONLY, 1)
        try set(CURLOPT_URL, url)
        _ = try outcome(curl_easy_perform(handle)).get()
    }

    /// One exchange, here and now: blocks until the answer is there or the time is over.
    public func perform(_ request: CurlRequest) throws(CurlError) -> CurlResponse {
        try prepare(request)
        return try outcome(curl_easy_perform(handle)).get()
    }
}
