/// What a dead letter looks like: the record's own bytes, and headers that tell where it comes from and why it failed.
package enum DeadLetterRecord {
    package static func headers(_ origin: LogOrigin, _ failure: RecordFailure, connector: Name, task: Int, context: Bool) -> [RawHeader] {
        var headers = origin.rawHeaders
        guard context else { return headers }
        func add(_ name: Name, _ text: String?) { headers.append(RawHeader(name, text.map { ByteSlice(Array($0.utf8)) })) }
        let error = failure.error
        add("__connect.errors.topic", origin.topicPartition.topic.text)
        add("__connect.errors.partition", String(origin.topicPartition.partition))
        add("__connect.errors.offset", String(origin.offset))
        add("__connect.errors.connector.name", connector.text)
        add("__connect.errors.task.id", String(task))
        add("__connect.errors.stage", failure.stage.rawValue)
        add("__connect.errors.class.name", failure.pluginClass)
        add("__connect.errors.exception.class.name", error.code)
        add("__connect.errors.exception.message", error.message)
        add("__connect.errors.exception.stacktrace", error.description)
        return headers
    }
}
