import ConnectRuntime
import EmbeddedLog
import Glibc
import Testing

func recordSet(_ values: [String], key: (Int) -> String? = { _ in nil }) -> RecordSet {
    var set = RecordSet()
    for (index, value) in values.enumerated() {
        set.append(timestamp: 1_700_000_000_000, key: key(index).map { ByteSlice(Array($0.utf8)) }, value: ByteSlice(Array(value.utf8)))
    }
    return set
}

extension EmbeddedLog {
    func commit(_ set: RecordSet, to place: TopicPartition, by producer: any LogProducer) throws {
        try producer.begin()
        try producer.append(set, to: place)
        let ticket = try producer.commit()
        guard case .durable? = ticket.wait(milliseconds: 20_000) else { throw LogError(.fatal, "not durable: \(String(describing: ticket.outcome))") }
    }

    /// Every record of a partition from its start to its end, as `offset:key=value`; throws what the log says of damage.
    func everything(in place: TopicPartition) throws -> [String] {
        let consumer = try openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([place.topic]))
        var found: [String] = []
        let bounds = try bounds(of: place)
        while !consumer.assignment.contains(place) { _ = try consumer.poll(maximumBytes: 1, milliseconds: 1000) }
        consumer.pause(consumer.assignment.filter { $0 != place })
        try consumer.seek(place, to: bounds.start)
        while try consumer.position(place) < bounds.end {
            for case .records(let records) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 1000) {
                for index in 0..<records.records.count {
                    let key = records.records.key(at: index)?.utf8Text ?? "", value = records.records.value(at: index)?.utf8Text ?? "null"
                    found.append("\(records.records.items[index].offset):\(key)=\(value)")
                }
            }
        }
        return found
    }
}

func fileSize(_ path: String) -> Int {
    var information = stat()
    return stat(path, &information) == 0 ? information.st_size : -1
}

func readFile(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: max(0, fileSize(path)))
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
}

func writeFile(_ path: String, _ bytes: [UInt8]) {
    guard let file = fopen(path, "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}

func copyFiles(from folder: String, to target: String, _ names: [String]) {
    mkdir(target, 0o700)
    for name in names where fileSize("\(folder)/\(name)") >= 0 { writeFile("\(target)/\(name)", readFile("\(folder)/\(name)")) }
}

/// Wall time that a test moves; monotonic time is the machine's.
final class ShiftedClock: WorkerClock {
    private let shift = AtomicShift()
    func move(milliseconds: Int64) { shift.add(milliseconds) }
    func monotonicNanoseconds() -> UInt64 { SystemClock().monotonicNanoseconds() }
    func wallMilliseconds() -> Int64 { SystemClock().wallMilliseconds() + shift.value }
    func sleep(milliseconds: Int, wake: WakeUp) -> Bool { wake.wait(milliseconds: milliseconds) }
}
