import ConnectRuntime
import Curl

/// Gathers what became of records and writes it down: dead letters, answers, then the tickets whose offsets may go. On the task's thread.
final class ResultReporter {
    private let configuration: HttpConfiguration
    private let context: any SinkTaskContext
    private var done: [OffsetPrefix.Ticket] = []
    private var failures: [(entry: RecordBatch.Entry, error: ConnectError)] = []
    private var answers = RecordSet()
    private var refusals = RecordSet()

    init(_ configuration: HttpConfiguration, context: any SinkTaskContext) {
        self.configuration = configuration
        self.context = context
    }

    /// A record that could not even be sent.
    func refuse(_ entry: RecordBatch.Entry, _ ticket: OffsetPrefix.Ticket, _ error: ConnectError) {
        failures.append((entry, error))
        done.append(ticket)
    }

    /// - Parameter redaction: takes out of answers what some endpoints repeat of a request; failures went through it already.
    func add(_ settled: DeliveryScheduler<PendingRecord>.Settled, answer: CurlResponse?, _ redaction: @autoclosure () -> Redaction) {
        let body = configuration.responseTopic != nil && !settled.delivered.isEmpty ? answer.map { redaction().clean($0.body) } : nil
        for item in settled.delivered {
            done.append(item.payload.ticket)
            if let answer, let body { write(item.payload, status: answer.status, body, into: &answers) }
        }
        for (item, failure) in settled.failed {
            if configuration.errorTopic != nil { write(item.payload, status: failure.status, failure.answer, into: &refusals) }
            let text = String(decoding: failure.answer, as: UTF8.self)
            refuse(
                item.payload.entry, item.payload.ticket,
                ConnectError(
                    .data, code: failure.code, text.isEmpty ? failure.message : "\(failure.message): \(text)",
                    suggestion: "errors.tolerance=all with errors.deadletterqueue.topic.name keeps such records and goes on"))
        }
    }

    private func write(_ record: PendingRecord, status: Int, _ body: [UInt8], into set: inout RecordSet) {
        let origin = record.origin
        func header(_ name: Name, _ text: String) -> RawHeader { RawHeader(name, ByteSlice(Array(text.utf8))) }
        set.append(
            timestamp: context.clock.wallMilliseconds(), key: origin.rawKey, value: ByteSlice(body),
            headers: [
                header("input_record_topic", origin.topicPartition.topic.text), header("input_record_partition", String(origin.topicPartition.partition)),
                header("input_record_offset", String(origin.offset)), header("input_record_timestamp", String(origin.timestamp)),
                header("response_status", String(status)), header("idempotency_key", record.idempotencyKey.text),
            ])
    }

    /// Writes everything down, durably: dead letters and answers. Then the offsets of what is through may go.
    /// - Throws: what ends the task: a refused record that nothing tolerates, a dead letter that cannot be written.
    func flush(letting prefix: inout OffsetPrefix) throws {
        if done.isEmpty { return }
        if let topic = configuration.errorTopic, !refusals.isEmpty {
            try context.emit(refusals, to: topic)
            refusals.removeAll()
        }
        if !failures.isEmpty {
            let failures = failures
            self.failures = []
            try report(failures)
        }
        if let topic = configuration.responseTopic, !answers.isEmpty {
            try context.emit(answers, to: topic)
            answers.removeAll()
        }
        for ticket in done { prefix.end(ticket) }
        done.removeAll(keepingCapacity: true)
    }

    private func report(_ failures: [(entry: RecordBatch.Entry, error: ConnectError)]) throws {
        if configuration.refusal == .fails, let first = failures.first { throw first.error }
        if configuration.refusal == .isPassedOver {
            context.metrics.recordsSkipped.add(failures.count)
            for (_, error) in failures { context.logger.warning("a record is passed over (behavior.on.error)", error: error) }
        } else if let reporter = context.reporter {
            try reporter.report(failures)
        } else if let first = failures.first {
            throw first.error
        }
    }
}
