import Compression
import ConnectRuntime
import Curl

/// What a request came to, for the scheduler, the reporter and the log.
struct SentOutcome {
    let delivery: DeliveryOutcome
    let response: CurlResponse?
    let failure: DeliveryFailure?
}

/// Puts requests on the wire and reads answers. On the task's thread.
final class HttpSender {
    typealias Start = DeliveryScheduler<PendingRecord>.Start

    let configuration: HttpConfiguration
    let context: any SinkTaskContext
    private let multi: CurlMulti
    /// A handle, and the request it is at.
    private final class Slot {
        let easy: CurlEasy
        var start: Start?
        var token: AccessToken?
        init(_ easy: CurlEasy) { self.easy = easy }
    }
    /// By the number that each handle carries.
    private let slots: [Slot]
    /// Numbers of the slots that are at nothing.
    private var idle: [Int] = []
    private(set) var redaction: Redaction
    private var knownToken = -1
    var lastFailure: String?
    private let tokenOptions: CurlOptions
    /// The lines that every request with a body begins with.
    private let headersWithBody: [String]
    /// `Idempotency-Key: `
    private let keyPrefix: String?

    init(_ configuration: HttpConfiguration, context: any SinkTaskContext) throws {
        self.configuration = configuration
        self.context = context
        redaction = configuration.redaction
        headersWithBody = configuration.fixedHeaders + ["Content-Type: \(configuration.contentType)"]
        keyPrefix = configuration.idempotencyHeader.map { "\($0): " }
        var options = configuration.curl
        let readsAnswers = configuration.batch != nil || configuration.responseTopic != nil || configuration.successPath != nil
        // One byte more than a dead letter holds would do; answers that name items are longer.
        options.responseLimit = readsAnswers ? 4 << 20 : 16 * 1024
        options.compressedAnswers = readsAnswers
        let statuses = configuration.statuses
        options.keepsHeaders = { statuses.verdict($0, isDelete: false) != .delivered }
        // The token's server is named by the configuration, not by records.
        var tokenOptions = configuration.curl
        tokenOptions.addresses = .any
        self.tokenOptions = tokenOptions
        do {
            multi = try CurlMulti(connections: configuration.delivery.lanes)
            slots = try (0..<configuration.delivery.lanes).map { number in
                Slot(try CurlEasy(options, tag: number))
            }
            idle = Array(slots.indices)
        } catch {
            throw ConnectError(.fatal, code: "http.client", "the HTTP client cannot be set up: \(error)")
        }
    }

    var hasRoom: Bool { !idle.isEmpty }
    var count: Int { slots.count - idle.count }
    /// Whether the task was wanted when the last step waited.
    var wasWoken: Bool { multi.wasWoken }
    var lanes: Int { configuration.delivery.lanes }
    var batchRecords: Int { configuration.delivery.batchRecords }

    /// Sends a request off.
    /// - Returns: what it came to when it could not even be sent.
    /// - Throws: ``ConnectError`` when nothing will ever be sent this way.
    func send(_ start: Start) throws -> SentOutcome? {
        guard let number = idle.popLast() else { return SentOutcome(delivery: .abandoned, response: nil, failure: nil) }
        var token: AccessToken?
        if case .oauth2(let source) = configuration.authorization {
            do { token = try fetch(source, refused: nil) } catch {
                idle.append(number)
                return try noToken(error)
            }
        }
        do throws(CurlError) {
            try multi.start(request(start, token), on: slots[number].easy)
        } catch {
            idle.append(number)
            return try outcome(of: error, start)
        }
        slots[number].start = start
        slots[number].token = token
        return nil
    }

    private func noToken(_ error: any Error) throws -> SentOutcome {
        let error = ConnectError(error)
        guard error.kind == .retriable else { throw error }
        return failed(.server, DeliveryFailure(status: 0, error.message))
    }

    func fetch(_ source: TokenSource, refused: Int?) throws -> AccessToken {
        let token = try source.token(refused: refused, options: tokenOptions, now: Int64(context.clock.monotonicNanoseconds() / 1_000_000))
        if token.version != knownToken {
            knownToken = token.version
            redaction = configuration.redaction.adding(token.secret)
        }
        return token
    }

    private func request(_ start: Start, _ token: AccessToken?) -> CurlRequest {
        let first = start.items[0]
        let isDelete = first.payload.isDelete
        // Mostly nothing is added: then it is the same array for every request.
        var headers = isDelete ? configuration.fixedHeaders : headersWithBody
        if !first.payload.headers.isEmpty { headers += first.payload.headers }
        var body = first.payload.body
        if !isDelete, let batch = configuration.batch { body = batch.join(start.items.lazy.map { $0.payload.body ?? [] }) }
        let isBatch = configuration.batch != nil && !isDelete
        // A batch has no key of its own: after a restart its boundaries may lie elsewhere. Its items have theirs.
        let keyLine = isBatch ? nil : keyPrefix.map { first.payload.idempotencyKey.text(after: $0) }
        if configuration.compression == .gzip, let plain = body, let packed = Gzip.compress(plain) {
            body = packed
            headers.append("Content-Encoding: gzip")
        }
        if let signature = configuration.signature {
            let id = isBatch ? Self.batchID(start) : first.payload.idempotencyKey.text
            headers += signature.lines(body: body ?? [], id: id, wallSeconds: context.clock.wallMilliseconds() / 1000)
        }
        var url = first.payload.target.url
        switch configuration.authorization {
        case .none: break
        case .fixed(let line): headers.append(line.reveal())
        case .query(let parameter): url += (url.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + parameter.reveal()
        case .oauth2: if let token { headers.append("Authorization: Bearer \(token.secret.reveal())") }
        }
        return CurlRequest(method: isDelete ? configuration.deleteMethod : configuration.method, url: url, headers: headers, lastHeader: keyLine, body: body)
    }

    /// Names exactly this set of items, for a signature's id: another cut gets another one.
    private static func batchID(_ start: Start) -> String { IdempotencyKey.combined(start.items.map(\.payload.idempotencyKey)) }

    /// Waits for answers, at most so long.
    func step(milliseconds: Int, beside wake: Int32) throws -> [(start: Start, outcome: SentOutcome)] {
        let finished: [CurlMulti.Finished]
        do { finished = try multi.step(milliseconds: milliseconds, beside: wake) } catch {
            throw ConnectError(.fatal, code: "http.client", "the HTTP client failed: \(error)")
        }
        var done: [(start: Start, outcome: SentOutcome)] = []
        done.reserveCapacity(finished.count)
        for one in finished {
            guard let start = slots[one.easy.tag].start else { continue }
            let token = release(one.easy.tag)
            switch one.result {
            case .failure(let error): done.append((start, try outcome(of: error, start)))
            case .success(let response): done.append((start, try outcome(of: response, start, token)))
            }
        }
        return done
    }

    private func release(_ number: Int) -> AccessToken? {
        defer {
            slots[number].start = nil
            slots[number].token = nil
            idle.append(number)
        }
        return slots[number].token
    }

    func cancel(where isGone: (Start) -> Bool) -> [Start] {
        var gone: [Start] = []
        for slot in slots {
            guard let start = slot.start, isGone(start) else { continue }
            multi.cancel(slot.easy)
            _ = release(slot.easy.tag)
            gone.append(start)
        }
        return gone
    }
}
