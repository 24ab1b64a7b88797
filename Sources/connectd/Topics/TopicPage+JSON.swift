import ConnectREST
import ConnectRuntime

extension TopicPage {
    /// Reads a worker's answer.
    init(json: JSON) throws {
        guard let records = json["records"]?.elements, let entries = json["next"]?.elements else { throw Self.strange }
        var next: [Position] = []
        for entry in entries {
            guard let number = entry["partition"]?.int64, let partition = Int32(exactly: number), let offset = entry["offset"]?.int64,
                let end = entry["end"]?.int64
            else { throw Self.strange }
            let epoch = entry["leader_epoch"]?.int64.flatMap { Int32(exactly: $0) } ?? -1
            next.append(Position(partition: partition, offset: offset, leaderEpoch: epoch, end: end))
        }
        var failure: ConnectError?
        if let error = json["error"], let code = error["code"]?.text {
            failure = ConnectError(.fatal, code: code, error["message"]?.text ?? "", suggestion: error["suggestion"]?.text)
        }
        self.init(records: records, next: next, error: failure)
    }

    private static var strange: AccessError {
        AccessError(finding: Finding("worker.answer", "the worker's answer has another form than expected", suggestion: "use the same version of connectd on both sides"), exitCode: .failure)
    }
}
