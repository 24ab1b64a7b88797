/// The log line of a failed record (`errors.log.enable`).
enum ErrorLog {
    static func write(
        _ failure: RecordFailure, _ entry: RecordBatch.Entry, connector: Name, task: Int, isSink: Bool, policy: ErrorPolicy, to logger: Logger
    ) {
        guard policy.logsErrors else { return }
        logger.error(line(failure, entry, connector: connector, task: task, isSink: isSink, policy: policy), error: failure.error)
    }

    static func line(
        _ failure: RecordFailure, _ entry: RecordBatch.Entry, connector: Name, task: Int, isSink: Bool, policy: ErrorPolicy
    ) -> String {
        var text = "Error encountered in task \(connector)-\(isSink ? "sink" : "source")-\(task). Executing stage '\(failure.stage.rawValue)' with class '\(failure.pluginClass)'"
        if policy.logsCoordinates {
            switch entry.origin {
            case .log(let origin):
                let type = origin.source.isAppendTime ? "LogAppendTime" : "CreateTime"
                text += ", where consumed record is {topic='\(origin.topicPartition.topic)', partition=\(origin.topicPartition.partition), offset=\(origin.offset), timestamp=\(origin.timestamp), timestampType=\(type)}"
            case .source: text += ", where source record is {\(Coordinates.words(entry))}"
            }
        }
        return text + "."
    }
}
