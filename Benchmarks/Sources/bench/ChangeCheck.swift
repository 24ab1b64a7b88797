import ConnectRuntime
import EmbeddedLog

/// What a topic of inserts must hold: each row once, in its order, from id 1 on.
enum ChangeCheck {
    static func check(_ log: EmbeddedLog, _ topic: Name, rows: Int) throws {
        let consumer = try log.openConsumer(ConsumerOptions(group: nil))
        defer { consumer.close() }
        try consumer.subscribe(.topics([topic]))
        var next = 1
        try follow(consumer, until: { next > rows }) { batch, index in
            try checkInsert(batch, index, id: next)
            next += 1
        }
    }

    static func checkInsert(_ batch: ConsumedRecords, _ index: Int, id: Int) throws {
        let text = batch.records.value(at: index)?.utf8Text ?? "null"
        guard text.contains("\"after\":{\"id\":\(id),"), text.contains("\"op\":\"c\"") else { throw Wrong("record \(id) is \(text)") }
    }

    /// Hands every record to a body until it has enough; gives up when none came for half a minute.
    static func follow(_ consumer: any LogConsumer, until isEnough: () -> Bool, _ body: (ConsumedRecords, Int) throws -> Void) throws {
        let clock = ContinuousClock()
        var deadline = clock.now + .seconds(30)
        while !isEnough() {
            var isEmpty = true
            for case .records(let batch) in try consumer.poll(maximumBytes: 1 << 20, milliseconds: 1000) {
                isEmpty = false
                for index in 0..<batch.records.count { try body(batch, index) }
            }
            if !isEmpty { deadline = clock.now + .seconds(30) }
            if clock.now > deadline { throw Wrong("no record came for half a minute") }
        }
    }
}
