internal import ConnectRuntime

/// Producer epochs: one row per id, kept for ever, also after whoever used the id is gone (P5).
enum Fencing {
    /// Fences every session of these ids that is older than `epoch`.
    static func raise(_ names: [Name], to epoch: Int64, in transaction: WriterTransaction) throws {
        let log = transaction.log
        for name in names {
            try transaction.put(.producer, Array(name.text.utf8), offsetValue(epoch))
            transaction.afterCommit { log.update { $0.producers[name] = epoch } }
        }
    }

    /// - Throws: `.fenced` when a newer session of the id exists.
    static func check(_ session: ProducerSession, in log: LogState) throws(LogError) {
        if let current = log.producerEpoch(session.name), current != session.epoch {
            throw LogError(.fenced, "the session \(session.name) with epoch \(session.epoch) was replaced by one with epoch \(current)")
        }
    }

    /// Ids of a connector's source tasks that ever had a session: `source/<connector>/<number>`.
    static func sourceTasks(of connector: Name, in log: LogState) -> [Name] {
        let prefix = Array("source/\(connector.text)/".utf8)
        return log.producers.keys.filter { name in
            let bytes = name.text.utf8
            return bytes.count > prefix.count && bytes.starts(with: prefix) && bytes.dropFirst(prefix.count).allSatisfy { (48...57).contains($0) }
        }
    }
}
