internal import Glibc
internal import Synchronization

/// Reads a share of a sink's records on a second thread, while the task's own reads the rest: turning JSON into values costs a sink
/// about as much as writing them does.
///
/// It has converters of its own, made, used and dropped on its thread (D2), and decides nothing: a record that it cannot read stays unread,
/// and the task's thread meets the same error again where the error policy applies. Only for converters that come with the runtime, which
/// answer the same whoever asks. All methods are called on the task's thread.
///
/// `@unchecked Sendable`: what both threads use lies in the mutex; the rest is set once.
final class ConversionHelper: @unchecked Sendable {
    /// A record's key and value as the converters read them.
    struct Read: Sendable {
        let key: SchemaAndValue
        let value: SchemaAndValue
    }
    typealias MakeConverters = @Sendable () throws -> (key: any Converter, value: any Converter)

    private struct Share: Sendable {
        let consumed: ConsumedRecords
        let range: Range<Int>
    }
    private enum State {
        case idle
        case asked(Share)
        case reading
        case done([Read?])
        case stopped
    }
    private let state = Mutex(State.idle)
    private let condition = ThreadCondition()
    private let name: String
    private let make: MakeConverters
    private var isStarted = false

    /// Fewer records are read sooner than handed over.
    static let fewest = 256
    /// No share takes so long; one that does is left to the task's thread, and the helper is not asked again.
    private static let patienceMilliseconds = 60_000

    init(name: String, _ make: @escaping MakeConverters) {
        self.name = name
        self.make = make
    }

    /// The helper of a sink's task, where it has one: with a second processor, and converters that may be made twice.
    static func make(_ specification: TaskSpecification, _ plugins: TaskPlugins, _ parts: WorkerParts) throws -> ConversionHelper? {
        guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1, plugins.value is JsonConverter, plugins.key is any RuntimeConverter else { return nil }
        let map = try parts.references.resolve(specification.connectorConfig)
        return ConversionHelper(name: "\(specification.connector)-read") {
            let schemas = TransactionSchemas(parts.log.schemas)
            return (try TaskPlugins.converter(.key, map, parts, schemas).0, try TaskPlugins.converter(.value, map, parts, schemas).0)
        }
    }

    /// Hands records over. - Returns: false when there is nobody to read them.
    func begin(_ consumed: ConsumedRecords, _ range: Range<Int>) -> Bool {
        if !isStarted {
            isStarted = true
            do {
                try PlainThread.start(name) { self.run() }
            } catch {
                state.withLock { $0 = .stopped }
            }
        }
        let isTaken = state.withLock { state in
            guard case .idle = state else { return false }
            state = .asked(Share(consumed: consumed, range: range))
            return true
        }
        if isTaken { condition.broadcast() }
        return isTaken
    }

    /// Waits for what was handed over: one for each record, `nil` for one that could not be read; empty when none was.
    func end() -> [Read?] {
        let read: [Read?]? = condition.wait(milliseconds: Self.patienceMilliseconds) {
            state.withLock { state in
                switch state {
                case .done(let read):
                    state = .idle
                    return read
                case .stopped, .idle: return []
                case .asked, .reading: return nil
                }
            }
        }
        if let read { return read }
        stop()
        return []
    }

    /// Ends the thread, once it has finished what it is at.
    func stop() {
        state.withLock { $0 = .stopped }
        condition.broadcast()
    }

    // MARK: the helper's thread

    private func run() {
        guard let converters = try? make() else { return stop() }
        defer {
            converters.key.close()
            converters.value.close()
        }
        while true {
            let share: Share?? = condition.wait(milliseconds: Self.patienceMilliseconds) {
                state.withLock { state in
                    switch state {
                    case .asked(let share):
                        state = .reading
                        return .some(share)
                    case .stopped: return .some(nil)
                    case .idle, .reading, .done: return nil
                    }
                }
            }
            switch share {
            case nil: continue
            case .some(nil): return
            case .some(let share?):
                let read = Self.read(share, converters.key, converters.value)
                state.withLock { state in if case .reading = state { state = .done(read) } }
                condition.broadcast()
            }
        }
    }

    private static func read(_ share: Share, _ key: any Converter, _ value: any Converter) -> [Read?] {
        let records = share.consumed.records, topic = share.consumed.topicPartition.topic
        var read: [Read?] = []
        read.reserveCapacity(share.range.count)
        var headers: [RawHeader] = []
        var known: Int?
        for index in share.range {
            if known.map({ !records.haveSameHeaders($0, index) }) ?? true {
                headers = records.hasHeaders(at: index) ? records.headers(at: index) : []
                known = index
            }
            do {
                read.append(
                    Read(
                        key: try key.deserialize(topic: topic, headers: headers, bytes: records.key(at: index)),
                        value: try value.deserialize(topic: topic, headers: headers, bytes: records.value(at: index))))
            } catch {
                read.append(nil)
            }
        }
        return read
    }
}

/// A converter of the runtime's own: what it reads depends on its configuration and the bytes alone, so that two of them read the same.
protocol RuntimeConverter: Converter {}
extension JsonConverter: RuntimeConverter {}
extension StringConverter: RuntimeConverter {}
extension ByteArrayConverter: RuntimeConverter {}
extension NumberConverter: RuntimeConverter {}
