import ConnectRuntime
import Curl

/// Builds a configuration from its settings and collects everything that is wrong on the way.
struct HttpConfigurationReader {
    private let config: Config
    private typealias Key = HttpSettings
    private typealias Security = HttpSecuritySettings

    init(_ config: Config) { self.config = config }

    func read(_ problems: inout [ConfigProblem]) -> HttpConfiguration? {
        do {
            return try build(&problems)
        } catch let problem as Stop {
            problems.append(problem.problem)
        } catch {
            problems.append(ConfigProblem("config.invalid_value", Key.url.name, ConnectError(error).message))
        }
        return nil
    }

    private struct Stop: Error {
        let problem: ConfigProblem
    }

    /// Runs a check of one setting's text and names the setting in what it throws.
    private func check<T>(_ setting: Name, _ body: () throws(SettingError) -> T) throws -> T {
        do throws(SettingError) { return try body() } catch {
            throw Stop(problem: ConfigProblem("config.invalid_value", setting, "\(setting) \(error.message)"))
        }
    }

    private func build(_ problems: inout [ConfigProblem]) throws -> HttpConfiguration {
        let allowed = try check(Key.allowedHosts.name) { () throws(SettingError) in try HostAllowList(read(Key.allowedHosts)) }
        let url = try check(Key.url.name) { () throws(SettingError) in try URLTemplate(read(Key.url), allowedHosts: allowed) }
        let authorization: Authorization
        do { authorization = try Authorization(config) } catch let problem as AuthorizationProblem {
            throw Stop(problem: ConfigProblem("config.missing", problem.setting, "\(problem.setting) \(problem.message)"))
        }
        let batch = try batchFormat()
        let (headers, contentType) = try headerTemplates(batch)
        let item = try itemBody(batch)
        if batch != nil, !item.carriesKey { problems.append(Self.withoutKeys(try config.value(Key.bodyTemplate) != nil)) }
        return HttpConfiguration(
            url: url, method: try method(Key.method), deleteMethod: try method(Key.deleteMethod), nullBehavior: try config.value(Key.nullBehavior),
            orderBy: try config.value(Key.orderBy), fixedHeaders: headers.filter(\.isFixed).compactMap(Self.fixedLine), headers: headers.filter { !$0.isFixed },
            recordHeaders: try recordHeaders(), contentType: contentType,
            item: item, batch: batch,
            responseItems: Self.path(try config.value(Key.responseItems)),
            idempotencyHeader: try idempotencyHeader(), authorization: authorization, signature: try signature(),
            compression: try config.value(Key.compression), statuses: try statuses(),
            refusal: try refusal(),
            successPath: try path(Key.successPath), batchBy: try config.value(Key.batchBy),
            responseTopic: try config.value(Key.responseTopic).map { Name($0) }, errorTopic: try config.value(Key.errorTopic).map { Name($0) },
            delivery: try policy(batch), curl: try curlOptions(url, &problems), redaction: try redaction())
    }

    private static func fixedLine(_ header: HeaderTemplate) -> String? { header.fixedLine }

    private func read<T>(_ setting: Setting<T>) throws(SettingError) -> T {
        do { return try config.value(setting) } catch { throw SettingError(ConnectError(error).message) }
    }

    private static func withoutKeys(_ isTemplate: Bool) -> ConfigProblem {
        ConfigProblem(
            "http.batch_without_keys", Key.batching.name, "the records of a batch carry no idempotency key, so an endpoint cannot tell what comes again after a failure",
            suggestion: isTemplate ? "put ${idempotency_key} into http.body.template" : "set batch.format to ndjson, array or object, and batch.idempotency.field to idempotency_key", isWarning: true)
    }

    private static func path(_ text: String) -> [Name] { text.utf8.split(separator: UInt8(ascii: ".")).map { Name(String(decoding: $0, as: UTF8.self)) } }

    private func path(_ setting: Setting<String?>) throws -> [Name]? { try config.value(setting).map(Self.path).flatMap { $0.isEmpty ? nil : $0 } }

    private func refusal() throws -> HttpConfiguration.Refusal {
        switch try config.value(Key.permanent) {
        case .fail: .fails
        case .skip: .isPassedOver
        case .dlq: .isReported
        case nil: [.log, .ignore].contains(try config.value(Key.errorBehavior)) ? .isPassedOver : .isReported
        }
    }

    private func method(_ setting: Setting<String>) throws -> String {
        let method = try config.value(setting).uppercased()
        guard HeaderText.isName(method) else { throw Stop(problem: ConfigProblem("config.invalid_value", setting.name, "\(method) is no HTTP method")) }
        return method
    }

    private func idempotencyHeader() throws -> String? {
        let name = try config.value(Key.idempotencyHeader)
        guard name.isEmpty || HeaderText.isName(name) else {
            throw Stop(problem: ConfigProblem("config.invalid_value", Key.idempotencyHeader.name, "\(name) is no header name"))
        }
        return name.isEmpty ? nil : name
    }

    private func headerTemplates(_ batch: BatchFormat?) throws -> (headers: [HeaderTemplate], contentType: String) {
        var headers = try check(Key.additionalHeaders.name) { () throws(SettingError) in try read(Key.additionalHeaders).filter { !$0.isEmpty }.map { text throws(SettingError) in try HeaderTemplate(text) } }
        if let text = try config.value(Key.headers) {
            let separator = try config.value(Key.headerSeparator)
            headers += try check(Key.headers.name) { () throws(SettingError) in try Self.split(text, separator).map { text throws(SettingError) in try HeaderTemplate(text) } }
        }
        var contentType = try config.value(Key.contentType)
        if let written = headers.first(where: { $0.isNamed("Content-Type") }) {
            contentType = contentType ?? written.fixedValue
            headers.removeAll { $0.isNamed("Content-Type") }
        }
        let type = contentType ?? batch?.contentType ?? "application/json"
        guard HeaderText.isValue(type), !type.isEmpty else { throw Stop(problem: ConfigProblem("config.invalid_value", Key.contentType.name, "is no content type")) }
        if let managed = headers.first(where: { Self.isManaged($0.name) }) {
            throw Stop(problem: ConfigProblem("config.invalid_value", Key.additionalHeaders.name, "the header \(managed.name) is set by the connector itself"))
        }
        return (headers, type)
    }

    /// Where a request ends, how it is packed and whom it is for is no header's to say.
    private static func isManaged(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "content-encoding", "host", "connection", "content-type"].contains { equalBytes(name.lowercased(), $0) }
    }

    private func recordHeaders() throws -> [Name] {
        try config.value(Key.recordHeaders).filter { !$0.isEmpty }.map { name in
            let words: String? = !HeaderText.isName(name) ? "\(name) is no header name" : Self.isManaged(name) ? "the header \(name) is set by the connector itself" : nil
            if let words { throw Stop(problem: ConfigProblem("config.invalid_value", Key.recordHeaders.name, words)) }
            return Name(name)
        }
    }

    private static func split(_ text: String, _ separator: String) -> [String] {
        var parts: [String] = [], rest = Array(text.utf8)[...]
        let mark = Array(separator.utf8)
        var current: [UInt8] = []
        while !rest.isEmpty {
            if rest.starts(with: mark) {
                parts.append(String(decoding: current, as: UTF8.self))
                current = []
                rest = rest.dropFirst(mark.count)
            } else {
                current.append(rest.removeFirst())
            }
        }
        parts.append(String(decoding: current, as: UTF8.self))
        return parts.map(\.trimmedASCII).filter { !$0.isEmpty }
    }

    private func itemBody(_ batch: BatchFormat?) throws -> ItemBody {
        let keyField = Name(batch == nil ? "" : try config.value(Key.batchKeyField))
        if let text = try config.value(Key.bodyTemplate) {
            let template = try check(Key.bodyTemplate.name) { () throws(SettingError) in try BodyTemplate(text, encoding: read(Key.templateEncoding)) }
            return ItemBody(.template(template), format: batch, keyField: keyField)
        }
        return ItemBody(try config.value(Key.body) == .record ? .record : .value, format: batch, keyField: keyField)
    }

    private func batchFormat() throws -> BatchFormat? {
        let asArray = try config.value(Key.batchArray)
        guard try config.value(Key.batching), try config.value(Key.batchRecords) > 1 || asArray == true else { return nil }
        let prefix = try config.value(Key.batchPrefix), separator = try config.value(Key.batchSeparator), suffix = try config.value(Key.batchSuffix)
        let isFramed = prefix != nil || separator != nil || suffix != nil
        let written = asArray == true ? "array" : try config.value(Key.batchFormat) ?? (isFramed ? "template" : "ndjson")
        switch written.lowercased() {
        case "ndjson": return .ndjson
        case "array": return .array
        case "object": return .object(field: try config.value(Key.batchField))
        case "template":
            return .template(
                prefix: BatchFormat.unescape(prefix ?? ""), separator: BatchFormat.unescape(separator ?? "\n"), suffix: BatchFormat.unescape(suffix ?? "\n"))
        default:
            throw Stop(problem: ConfigProblem("config.invalid_value", Key.batchFormat.name, "\(written) is no batch format", suggestion: "one of ndjson, array, object, template"))
        }
    }

    private func signature() throws -> RequestSignature? {
        let kind = try config.value(Security.signature)
        if kind == .none { return nil }
        guard let secret = try config.value(Security.signatureSecret) else {
            throw Stop(problem: ConfigProblem("config.missing", Security.signatureSecret.name, "\(Security.signatureSecret.name) is needed where signature is \(kind.rawValue)"))
        }
        if kind == .standardWebhooks { return .standardWebhooks(written: secret.reveal()) }
        let header = try config.value(Security.signatureHeader)
        guard HeaderText.isName(header) else { throw Stop(problem: ConfigProblem("config.invalid_value", Security.signatureHeader.name, "\(header) is no header name")) }
        return .hmac(header: header, secret: Array(secret.reveal().utf8))
    }

    private func statuses() throws -> StatusRules {
        StatusRules(
            success: try check(Key.successOn.name) { () throws(SettingError) in try StatusSet(read(Key.successOn)) },
            drop: try check(Key.dropOn.name) { () throws(SettingError) in try StatusSet(read(Key.dropOn)) },
            retry: try check(Key.retryOn.name) { () throws(SettingError) in try StatusSet(read(Key.retryOn), besides: ["connect", "timeout"]) })
    }

    private func policy(_ batch: BatchFormat?) throws -> DeliveryPolicy {
        var policy = DeliveryPolicy()
        policy.lanes = try config.value(Key.lanes)
        policy.batchRecords = batch == nil ? 1 : try config.value(Key.batchRecords)
        policy.batchBytes = try config.value(Key.batchBytes)
        policy.lingerMilliseconds = batch == nil ? 0 : Int64(try config.value(Key.linger))
        // A batch of one key's records holds it as often as it likes.
        policy.repeatsKeys = try config.value(Key.repeatsKeys) || config.value(Key.batchBy) == .key
        policy.retries = try config.value(Key.retries)
        policy.retryAgeMilliseconds = Int64(try config.value(Key.retryAge))
        policy.backoff = JitterBackoff(minimum: Int64(try config.value(Key.backoff)), maximum: Int64(try config.value(Key.longestBackoff)))
        policy.bisects = try config.value(Key.bisect)
        policy.breakerFailures = try config.value(Key.breakerFailures)
        policy.breakerPause = Int64(try config.value(Key.breakerPause))
        policy.breakerLongestPause = Int64(try config.value(Key.longestBackoff))
        policy.requestsPerSecond = Double(try config.value(Key.rate))
        return policy
    }

    private func curlOptions(_ url: URLTemplate, _ problems: inout [ConfigProblem]) throws -> CurlOptions {
        var options = CurlOptions()
        options.connectTimeoutMilliseconds = try config.value(Key.connectTimeout)
        let milliseconds = try config.value(Key.timeoutMilliseconds)
        options.requestTimeoutMilliseconds = milliseconds > 0 ? milliseconds : try config.value(Key.timeout) * 1000
        options.version =
            switch try config.value(Key.version) {
            case .auto: .http2WhereTLS
            case .http1: .http1
            case .http2: .http2
            }
        if let http2 = try config.value(Key.http2) { options.version = http2 ? .http2WhereTLS : .http1 }
        if try config.value(Key.redirects) {
            throw Stop(
                problem: ConfigProblem(
                    "config.invalid_value", Key.redirects.name, "redirects are never followed: they drop the body, or carry a token elsewhere", suggestion: "set http.url to where the redirect leads"))
        }
        options.proxy = try config.value(Key.proxy)
        let port = try config.value(Key.proxyPort)
        if options.proxy == nil, port > 0, let host = try config.value(Key.proxyHost), !host.isEmpty { options.proxy = "http://\(host):\(port)" }
        options.proxyUser = try config.value(Key.proxyUser)
        options.proxyPassword = try config.value(Key.proxyPassword)?.reveal()
        // A proxy is named by the configuration, and it resolves names itself: its own address says nothing about where records go.
        if options.proxy == nil, try config.value(Key.disallowLocal) || (url.hasTemplatedHost && !config.value(Key.allowLocal)) { options.addresses = .publicOnly }
        for type in [Security.storeType, Security.keyStoreType] where try config.value(type).uppercased() != "PEM" {
            throw Stop(
                problem: ConfigProblem(
                    "config.invalid_value", type.name, "\(try config.value(type)) stores cannot be read, only PEM",
                    suggestion: "convert it: keytool -importkeystore -deststoretype PKCS12 …, then openssl pkcs12 -in STORE -nodes -out STORE.pem"))
        }
        options.tls.authorities = try config.value(Security.authorities).map { CurlTLS.PEM($0) }
        options.tls.clientCertificate = try config.value(Security.certificate).map { CurlTLS.PEM($0) }
        options.tls.clientKey = try config.value(Security.certificateKey).map { CurlTLS.PEM($0.reveal()) } ?? options.tls.clientCertificate
        options.tls.clientKeyPassword = try config.value(Security.keyPassword)?.reveal()
        options.tls.pinnedKey = try config.value(Security.pin)
        options.tls.verifiesName = try config.value(Security.verifiesName)
        if !options.tls.verifiesName {
            problems.append(ConfigProblem("http.trusts_any_name", Security.verifiesName.name, "a certificate for any name is trusted", suggestion: "leave it on, and put the server's name into http.url", isWarning: true))
        }
        if try config.value(Security.trustAll) {
            options.tls.verifiesServer = false
            problems.append(ConfigProblem("http.trusts_all", Security.trustAll.name, "any server with any certificate is trusted", suggestion: "set tls.ca instead", isWarning: true))
        }
        return options
    }

    private func redaction() throws -> Redaction {
        let settings = [Security.header, Security.password, Security.token, Security.key, Security.clientSecret, Security.keyPassword, Security.signatureSecret, Key.proxyPassword]
        var secrets = try settings.compactMap { try config.value($0) }
        if let header = try config.value(Security.header)?.reveal(), let space = header.utf8.lastIndex(of: 0x20) {
            // "Bearer abc": the token alone is as secret.
            secrets.append(Secret(String(header[header.utf8.index(after: space)...])))
        }
        if let user = try config.value(Security.user), let password = try config.value(Security.password) {
            secrets.append(Secret(Base64.standard(Array("\(user):\(password.reveal())".utf8))))
        }
        // What an endpoint may repeat of the URL and of headers that were written by hand.
        var written = URLPassword.secrets(in: try config.value(Key.url))
        for text in [try config.value(Key.proxy), try config.value(Security.tokenURL)] { written += text.map(URLPassword.secrets) ?? [] }
        for text in [try config.value(Key.additionalHeaders).joined(separator: ","), try config.value(Key.headers) ?? ""] { written += HeaderSecret.secrets(in: text) }
        secrets += written.filter { !$0.utf8.starts(with: "${".utf8) }.map { Secret($0) }
        return Redaction(secrets)
    }
}
