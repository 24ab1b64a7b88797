package import ConnectRuntime

/// The settings of the HTTP sink: Aiven's names first, other products' as aliases.
package enum HttpSettings {
    package enum AuthorizationType: String, Sendable, CaseIterable { case none, `static`, basic, bearer, apikey, oauth2, ssl }
    package enum NullBehavior: String, Sendable, CaseIterable { case ignore, delete, log, fail }
    package enum OrderBy: String, Sendable, CaseIterable { case key, partition, none }
    package enum BodyKind: String, Sendable, CaseIterable { case value, record }
    package enum TemplateEncoding: String, Sendable, CaseIterable { case json, url, raw }
    package enum Version: String, Sendable, CaseIterable { case auto, http1 = "1.1", http2 = "2" }
    package enum Place: String, Sendable, CaseIterable { case header, query }
    package enum ClientMode: String, Sendable, CaseIterable { case header = "HEADER", url = "URL" }
    package enum SignatureKind: String, Sendable, CaseIterable { case none, hmac = "hmac-sha256", standardWebhooks = "standard-webhooks" }
    package enum Compression: String, Sendable, CaseIterable { case none, gzip }
    package enum BatchBy: String, Sendable, CaseIterable { case none, partition, key, url }
    package enum Permanent: String, Sendable, CaseIterable { case dlq, fail, skip }
    package enum ErrorBehavior: String, Sendable, CaseIterable { case tolerance, fail, log, ignore }

    // Where to, and how.
    package static let url = Setting<String>.string("http.url", allowEmpty: false, importance: .high, width: .long, aliases: ["http.api.url"], "Where records go. ${topic}, ${key}, ${key.field}, ${field}, ${header.name} stand for what a record holds, percent-encoded.")
    package static let allowedHosts = Setting<[String]>.list("http.allowed.hosts", "Where a URL whose host is a template may lead: host, host:port or *.domain.")
    package static let allowLocal = Setting<Bool>.boolean("http.allow.local.addresses", default: false, "Whether a templated host may turn out to be this machine or a link-local address.")
    package static let method = Setting<String>.string("http.method", default: "POST", allowEmpty: false, aliases: ["request.method"], "The method of requests.")
    package static let version = Setting<Version>.choice("http.version", default: .auto, "auto speaks HTTP/2 where TLS negotiates it; 1.1 and 2 insist.")
    package static let http2 = Setting<Bool?>.optionalBoolean("http2", "true: as http.version=auto; false: as http.version=1.1.")
    package static let redirects = Setting<Bool>.boolean("follow.redirects", default: false, importance: .low, "Only false: a redirect would drop the body, or carry a token elsewhere.")
    package static let proxy = Setting<String?>.optionalString("http.proxy.url", aliases: ["proxy.url"], "A proxy's URL; the environment's proxies are not used.")
    package static let proxyHost = Setting<String?>.optionalString("http.proxy.host", importance: .low, "A proxy's host, with http.proxy.port.")
    package static let proxyPort = Setting<Int>.int("http.proxy.port", default: 0, range: 0...65535, importance: .low, "A proxy's port.")
    package static let proxyUser = Setting<String?>.optionalString("http.proxy.user", importance: .low, "The user for a proxy that asks for one.")
    package static let proxyPassword = Setting<Secret?>.password("http.proxy.password", "That user's password.")
    package static let disallowLocal = Setting<Bool>.boolean("connection.disallow.local.ips", default: false, importance: .low, "Keeps a fixed host, too, from being this machine or a link-local address.")
    package static let timeout = Setting<Int>.int("http.timeout", default: 30, range: 1...86_400, "Seconds until an answer must be complete.")
    package static let timeoutMilliseconds = Setting<Int>.int("http.request.timeout.ms", default: 0, range: 0...86_400_000, importance: .low, aliases: ["timeout.request.ms"], "The same in milliseconds; 0 leaves it to http.timeout.")
    package static let connectTimeout = Setting<Int>.int("timeout.connect.ms", default: 2_000, range: 1...600_000, aliases: ["http.connect.timeout.ms"], "Milliseconds until a connection must stand.")

    // Headers and body.
    package static let contentType = Setting<String?>.optionalString("http.headers.content.type", aliases: ["http.content.type"], "The Content-Type; without it, the one of the body's format.")
    package static let additionalHeaders = Setting<[String]>.list("http.headers.additional", "Further headers, name:value with commas between them; values may be templates.")
    package static let headers = Setting<String?>.optionalString("headers", "Further headers, name:value with header.separator between them.")
    package static let headerSeparator = Setting<String>.string("header.separator", default: "|", allowEmpty: false, importance: .low, "What stands between the entries of headers.")
    package static let recordHeaders = Setting<[String]>.list("http.headers.from.record", "Names of record headers that become headers of the request.")
    package static let body = Setting<BodyKind>.choice("http.body", default: .value, "value: the record's value. record: an object with topic, partition, offset, timestamp, key, value and idempotency_key.")
    package static let bodyTemplate = Setting<String?>.optionalString("http.body.template", "The body as a template; it replaces http.body.")
    package static let templateEncoding = Setting<TemplateEncoding>.choice("http.body.template.encoding", default: .json, "How values stand in the template: as JSON, percent-encoded or as they are.")
    package static let bodyFormat = Setting<String>.string("request.body.format", default: "json", importance: .low, recommended: ["json", "string"], "Known from other sinks; text goes out as it is, the rest as JSON, in both.")
    package static let nullBehavior = Setting<NullBehavior>.choice("behavior.on.null.values", default: .ignore, ignoringCase: true, "What a record without value does: ignore it, send a DELETE, log it, or fail.")
    package static let deleteMethod = Setting<String>.string("delete.method", default: "DELETE", allowEmpty: false, importance: .low, "The method of such a delete.")
    package static let compression = Setting<Compression>.choice("compression", default: Compression.none, "How bodies are compressed.")
    package static let idempotencyHeader = Setting<String>.string("idempotency.header", default: "Idempotency-Key", "The header with a record's idempotency key; empty leaves it out.")

    // Batches.
    package static let batching = Setting<Bool>.boolean("batching.enabled", default: false, importance: .high, "Whether several records share a request.")
    package static let batchRecords = Setting<Int>.int("batch.max.size", default: 500, range: 1...1_000_000, importance: .high, aliases: ["batch.max.records"], "The most records in one request.")
    package static let batchBytes = Setting<Int>.int("batch.max.bytes", default: 1 << 20, range: 1...(256 << 20), "The most bytes in one request; a larger record goes alone.")
    package static let linger = Setting<Int>.int("batch.linger.ms", default: 0, range: 0...600_000, type: .long, "How many milliseconds a batch that is not full waits for more records.")
    package static let batchFormat = Setting<String?>.optionalString("batch.format", importance: .high, "ndjson (the default), array, object, or template: batch.prefix, items with batch.separator between them, batch.suffix.")
    package static let batchField = Setting<String>.string("batch.object.field", default: "records", allowEmpty: false, "The member that holds the items, where batch.format is object.")
    package static let batchBy = Setting<BatchBy>.choice("batch.by", default: BatchBy.none, importance: .low, "What the records of one batch share beside URL and headers: nothing more (none, url), their partition, or their key.")
    package static let batchPrefix = Setting<String?>.optionalString("batch.prefix", "What stands before the first item; \\n and \\t are understood.")
    package static let batchSuffix = Setting<String?>.optionalString("batch.suffix", "What stands after the last item.")
    package static let batchSeparator = Setting<String?>.optionalString("batch.separator", "What stands between items.")
    package static let batchArray = Setting<Bool?>.optionalBoolean("batch.json.as.array", "Known from other sinks: batch.format=array.")
    package static let batchKeyField = Setting<String>.string("batch.idempotency.field", default: "idempotency_key", "The member that carries each item's idempotency key in a batch; empty leaves it out, then a replay cannot be told.")
    package static let repeatsKeys = Setting<Bool>.boolean("batch.repeated.keys", default: false, "Whether a batch may hold a key twice. Answers that name single items can then upset that key's order.")
    package static let bisect = Setting<Bool>.boolean("batch.bisect", default: true, "Whether a refused batch is cut in two until the bad record stands alone.")
    package static let responseItems = Setting<String>.string("response.items", default: "items", importance: .low, "Path of the array with one result per item in an answer with status 207.")

    package static let successPath = Setting<String?>.optionalString("response.success.path", importance: .low, "Path of a member that an answer must have, and not as false, null, 0 or an empty text, to mean delivered (ok for endpoints that answer 200 {\"ok\": false}).")

    // Delivery.
    package static let lanes = Setting<Int>.int("delivery.lanes", default: 8, range: 1...256, aliases: ["concurrency.limit"], "How many requests are under way at once; records with the same key never are.")
    package static let orderBy = Setting<OrderBy>.choice("order.by", default: OrderBy.key, "Whose order is kept: each key's, each partition's, or nobody's.")
    package static let retries = Setting<Int>.int("max.retries", default: -1, range: -1...Int(Int32.max), aliases: ["retry.max"], "How often a request is tried again; -1: until it passes.")
    package static let retryAge = Setting<Int>.int("retry.max.age.ms", default: 0, range: 0...Int.max, type: .long, "Gives up what has been failing for so long; 0 never does.")
    package static let backoff = Setting<Int>.int("retry.backoff.ms", default: 200, range: 0...86_400_000, aliases: ["retry.backoff.min.ms", "kafka.retry.backoff.ms"], "The first wait's bound; it doubles, and each wait is a random part of it.")
    package static let longestBackoff = Setting<Int>.int("retry.backoff.max.ms", default: 60_000, range: 1...86_400_000, "The longest such bound.")
    package static let retryOn = Setting<[String]>.list("retry.on", default: "408,425,429,500,502,503,504", aliases: ["retry.on.status.codes"], "Statuses that may pass later: numbers, ranges (500-599), open ranges (500-). No answer (connect, timeout) always may.")
    package static let successOn = Setting<[String]>.list("success.on", default: "200-299", "Statuses that mean delivered.")
    package static let dropOn = Setting<[String]>.list("drop.on", default: "", "Statuses that mean: not needed, go on (409). Of a delete 404 and 410 always do.")
    package static let errorBehavior = Setting<ErrorBehavior>.choice("behavior.on.error", default: .tolerance, ignoringCase: true, importance: .low, "Known from other sinks: fail; or log or ignore, which pass over a record that is refused. tolerance: as errors.tolerance says.")
    package static let permanent = Setting<Permanent?>.optionalChoice("on.permanent", "The same in other words: fail ends the task whatever errors.tolerance says, skip passes over the record, dlq leaves it to errors.tolerance.")
    package static let rate = Setting<Int>.int("rate.limit", default: 0, range: 0...1_000_000, "The most requests per second of each task; 0: no limit.")
    package static let breakerFailures = Setting<Int>.int("circuit.breaker.failures", default: 10, range: 0...1_000_000, "After so many failures in a row nothing is sent for a while, then one request looks whether the server is back; 0 switches it off.")
    package static let breakerPause = Setting<Int>.int("circuit.breaker.pause.ms", default: 1_000, range: 1...3_600_000, "The first such pause; it doubles up to retry.backoff.max.ms.")
    package static let responseTopic = Setting<String?>.optionalString("response.topic", aliases: ["reporter.result.topic.name"], "A topic that gets the answers of delivered requests.")
    package static let errorTopic = Setting<String?>.optionalString("error.topic", aliases: ["reporter.error.topic.name"], "A topic that gets the answers that refused a record.")
}

extension Setting where T == HttpSettings.Permanent? {
    /// A choice that may be absent.
    static func optionalChoice(_ name: Name, _ documentation: String) -> Setting<T> {
        let words = HttpSettings.Permanent.allCases.map(\.rawValue)
        return Setting(name, .string, absent: .some(nil), importance: .low, width: .short, recommended: words, documentation) { (text: String) throws(SettingError) -> T in
            guard let match = HttpSettings.Permanent(rawValue: text.lowercased()) else { throw SettingError("String must be one of: \(words.joined(separator: ", "))") }
            return match
        }
    }
}

extension Setting where T == Bool? {
    /// A switch that may be absent.
    static func optionalBoolean(_ name: Name, importance: Importance = .low, _ documentation: String) -> Setting<Bool?> {
        Setting(name, .boolean, absent: .some(nil), importance: importance, width: .short, documentation) { (text: String) throws(SettingError) -> Bool? in
            switch text.trimmedASCII.lowercased() {
            case "true": return true
            case "false": return false
            default: throw SettingError("Expected value to be either true or false")
            }
        }
    }
}
