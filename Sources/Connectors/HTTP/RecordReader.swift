import ConnectRuntime
import Crypto

/// Turns records into what will be sent: URL, headers, body, key. On the task's thread.
final class RecordReader {
    enum Outcome {
        case queue(Queued<PendingRecord>)
        case done
        case bad(ConnectError)
    }

    private let configuration: HttpConfiguration
    private let clusterID: String
    private let logger: Logger
    private var makers: [TopicPartition: (topicID: TopicID, keys: IdempotencyKeyMaker)] = [:]
    private var last: (place: TopicPartition, topicID: TopicID, keys: IdempotencyKeyMaker)?
    private let digester = SHA256Digester()
    private var buffer = ByteBuffer(capacity: 1024)

    init(_ configuration: HttpConfiguration, clusterID: String, logger: Logger) {
        self.logger = logger
        self.configuration = configuration
        self.clusterID = clusterID
    }

    /// Whether nothing but the body is made of a value, and that of its bytes alone.
    var takesPlainJSON: Bool { configuration.item.isPlainJSON && configuration.url.isFixed && configuration.headers.isEmpty }

    /// - Parameter isPlainJSON: whether the value was left unread, being the body already.
    func read(_ record: Record, isPlainJSON: Bool, _ origin: LogOrigin, _ ticket: OffsetPrefix.Ticket, now: Int64) -> Outcome {
        let isNull = !isPlainJSON && record.value.isNull
        if isNull {
            switch configuration.nullBehavior {
            case .ignore: return .done
            case .log:
                logger.info("the record \(ticket.partition)@\(origin.offset) has no value and is not sent (behavior.on.null.values=log)")
                return .done
            case .fail:
                return .bad(ConnectError(.data, code: "http.null_value", "the record \(ticket.partition)@\(origin.offset) has no value", suggestion: "set behavior.on.null.values to ignore or delete"))
            case .delete: break
            }
        }
        do {
            return .queue(try item(record, isPlainJSON, origin, ticket, isDelete: isNull, now))
        } catch {
            return .bad(ConnectError(error))
        }
    }

    private func item(_ record: Record, _ isPlainJSON: Bool, _ origin: LogOrigin, _ ticket: OffsetPrefix.Ticket, isDelete: Bool, _ now: Int64) throws -> Queued<PendingRecord> {
        let key = keys(of: origin).key(offset: origin.offset)
        // Made only for what has places in it.
        func source() -> TemplateSource { TemplateSource(record: record, origin: origin, idempotencyKey: key) }
        let target = try configuration.url.target(source())
        var headers: [String] = []
        for template in configuration.headers { headers.append(try template.line(source())) }
        for name in configuration.recordHeaders {
            for header in record.headers where header.name == name && !header.value.isNull {
                headers.append(try HeaderText.line(name.text, PlaceText.of(header.value, "header \(name)")))
            }
        }
        var body: [UInt8]?
        if isPlainJSON {
            body = origin.rawValue.map { $0.withUnsafeBytes { Array($0) } }
        } else if !isDelete {
            body = try configuration.item.bytes(record.value, key, by: &buffer, source: source)
        }
        let pending = PendingRecord(origin: origin, ticket: ticket, target: target, headers: headers, body: body, idempotencyKey: key)
        return Queued(
            order: order(record, origin), origin: target.origin, route: route(target, headers, record, origin), bytes: (body?.count ?? 0) + Self.overhead, queuedAt: now, isAlone: isDelete, payload: pending)
    }

    /// What a record costs beside its body, about.
    private static let overhead = 256

    /// What the records of one batch have in common.
    private func route(_ target: URLTemplate.Target, _ headers: [String], _ record: Record, _ origin: LogOrigin) -> String {
        let isPlain = configuration.batch == nil || configuration.batchBy == .none || configuration.batchBy == .url
        if isPlain, headers.isEmpty { return target.url }
        var parts = [target.url] + headers
        switch configuration.batchBy {
        case .none, .url: break
        case .partition: parts.append("\(origin.topicPartition)")
        // A hash may put two keys together, which is no harm.
        case .key: parts.append("\(record.key.hashValue)")
        }
        return parts.joined(separator: "\n")
    }

    private func order(_ record: Record, _ origin: LogOrigin) -> Int? {
        var hasher = Hasher()
        switch configuration.orderBy {
        case .none: return nil
        case .partition: hasher.combine(origin.topicPartition)
        case .key:
            // A key that a transform took away still orders its records.
            if record.key.isNull {
                guard let raw = origin.rawKey else { return nil }
                hasher.combine(raw)
            } else {
                hasher.combine(record.key)
            }
        }
        return hasher.finalize()
    }

    private func keys(of origin: LogOrigin) -> IdempotencyKeyMaker {
        let place = origin.topicPartition, topicID = origin.source.topicID
        // Neighbours mostly are of one partition.
        if let last, last.place == place, last.topicID == topicID { return last.keys }
        let keys: IdempotencyKeyMaker
        if let known = makers[place], known.topicID == topicID {
            keys = known.keys
        } else {
            keys = IdempotencyKeyMaker(clusterID: clusterID, partition: place, topicID: topicID, digester: digester)
            makers[place] = (topicID, keys)
        }
        last = (place, topicID, keys)
        return keys
    }
}
