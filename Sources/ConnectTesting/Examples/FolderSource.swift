public import ConnectRuntime
import Glibc

/// An example of a source: one record for each file that is put into a folder, in the order of the files' names.
public final class FolderSource: SourceConnector {
    /// The name in configurations, the settings, and how one is made.
    public static let plugin = Plugin(
        ["com.example.FolderSource"], version: "1.0.0", definition: ConfigDefinition().group(nil, folderSetting, topicSetting),
        summary: "Tells of files that appear in a folder.", factory: .source { FolderSource() })

    static let folderSetting = Setting<String>.string("folder", allowEmpty: false, importance: .high, "The folder to watch. Names of new files must sort behind those of older ones.")
    static let topicSetting = Setting<String>.string("topic", allowEmpty: false, importance: .high, "The topic that gets the records.")

    private var config: ConfigMap?

    public init() {}

    public func start(_ config: Config, context: any ConnectorContext) throws { self.config = config.map }

    /// A folder has one order, so there is one task, whatever `tasks.max` allows.
    public func taskConfigs(maximum: Int) throws -> [ConfigMap] { config.map { [$0] } ?? [] }

    public func stop() { config = nil }

    public func makeTask() -> any SourceTask { FolderSourceTask() }

    /// Given its last offset a task goes on behind it: nothing is lost and nothing comes twice.
    public func exactlyOnceSupport(_ config: Config) -> ExactlyOnceSupport { .supported }
}

/// Lives on a thread of its own; every call comes from there.
final class FolderSourceTask: SourceTask {
    private static let batchSize = 1000
    private static let valueSchema = Schema.structure("com.example.File", fields: [.init("name", .plain(.string)), .init("size", .plain(.int64))])

    private var context: (any SourceTaskContext)?
    private var folder = ""
    private var topic: Name = ""
    /// What identifies the stream. Its bytes are the key under which the offset is stored: keep them the same for ever.
    private var partition = SourcePartition([])
    /// The name of the last file that was told of.
    private var last: Name?

    func start(_ config: Config, context: any SourceTaskContext) throws {
        self.context = context
        folder = try config.value(FolderSource.folderSetting)
        topic = Name(try config.value(FolderSource.topicSetting))
        partition = SourcePartition([("folder", .string(folder))])
        last = try context.offset(partition)?.members()["last"]?.text.map { Name($0) }
    }

    func poll(into batch: inout RecordBatch) throws {
        guard let context else { return }
        let names = try newNames().sorted().prefix(Self.batchSize)
        // Nothing there: wait, but not longer than a second, and not when the task is wanted.
        if names.isEmpty { _ = context.clock.sleep(milliseconds: 200, wake: context.wakeUp) }
        for name in names {
            var facts = stat()
            guard stat("\(folder)/\(name)", &facts) == 0 else { continue }
            let value = Value.structure(Struct(Self.valueSchema, [.string(name.text), .int64(Int64(facts.st_size))]))
            batch.append(
                Record(topic: topic, keySchema: .plain(.string), key: .string(name.text), valueSchema: Self.valueSchema, value: value),
                partition: partition, offset: SourceOffset([("last", .string(name.text))]))
        }
        // Only now: had an error been thrown above, the next poll would begin where the last good one ended.
        last = names.last ?? last
    }

    func stop() { context = nil }

    private func newNames() throws -> [Name] {
        guard let directory = opendir(folder) else {
            throw ConnectError(
                .retriable, code: "folder.unreadable", "the folder \(folder) cannot be read: \(String(cString: strerror(errno)))",
                suggestion: "make it, or correct the setting \"folder\"; the task goes on by itself")
        }
        defer { closedir(directory) }
        var names: [Name] = []
        while let entry = readdir(directory) {
            let text = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            let name = Name(text)
            // A leading dot marks a file that is still being written.
            if text.utf8.first != UInt8(ascii: "."), last.map({ $0 < name }) ?? true { names.append(name) }
        }
        return names
    }
}
