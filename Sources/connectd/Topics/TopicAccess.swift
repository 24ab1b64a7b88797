import ConnectREST
import ConnectRuntime

/// Where the topics commands read: a running worker, or a stopped one's folder. Used by one thread.
protocol TopicAccess: AnyObject {
    func list() throws -> JSON
    func describe(_ topic: Name) throws -> JSON
    /// The next records from where the last page ended.
    func page(maximumRecords: Int, milliseconds: Int) throws -> TopicPage
    /// Says where and how pages are read; before the first.
    func begin(_ reading: TopicReading) throws
    /// Keeps for the group that everything before these positions was shown.
    func commit(_ positions: [TopicPage.Position]) throws
    func close()
}

/// What is read, and how it is shown.
struct TopicReading {
    let topic: Name
    /// Where it begins when the group has been nowhere yet.
    let fromBeginning: Bool
    let group: Name?
    let format: RecordFormat
}

/// A refused access, with how the command ends.
struct AccessError: Error {
    let finding: Finding
    let exitCode: ExitCode
}
