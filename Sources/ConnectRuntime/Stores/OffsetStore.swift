/// Source offsets by connector and source partition. Written through a ``LogProducer`` in the transaction of the records;
/// this is the reading side and the administrator's. Keys are compared as bytes (Connect spec §8.3). Thread-safe.
public protocol OffsetStore: AnyObject, Sendable {
    func offset(connector: Name, partition: SourcePartition) throws(LogError) -> SourceOffset?
    /// All offsets of a connector, in byte order of their partitions.
    func offsets(connector: Name) throws(LogError) -> [(partition: SourcePartition, offset: SourceOffset)]
    /// Sets or (`nil`) removes offsets of a connector that has no running task, durably, all or none. Fences every producer session
    /// whose id starts with `source/<connector>/`, so a task that is still writing cannot undo it.
    func alter(connector: Name, _ offsets: [(partition: SourcePartition, offset: SourceOffset?)]) throws(LogError)
}
