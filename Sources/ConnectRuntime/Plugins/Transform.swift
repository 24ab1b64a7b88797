/// A single message transform. Made, configured, used and closed on its task's thread; needs no lock.
///
/// Implement ``apply(_:)``, for one record. A transform that can resolve something once for many records (a field's index) overrides
/// ``apply(to:at:)`` too, which is called once per batch.
public protocol Transform: AnyObject {
    /// Reads its settings. Throwing makes the configuration invalid.
    func configure(_ config: Config) throws

    /// Changes a record in place. Its origin is elsewhere and cannot be lost.
    /// - Throws: any error; `errors.tolerance` decides what becomes of the record. It may be tried again, so leave the record as it was when throwing.
    /// - Returns: whether the record goes on; `.drop` filters it, and its offset still advances.
    func apply(_ record: inout Record) throws -> TransformResult

    /// Applies itself to the batch's entries at `indexes`, all live.
    /// - Returns: the entries that did not simply go on, with what became of them, ascending.
    func apply(to entries: inout [RecordBatch.Entry], at indexes: [Int]) -> [(index: Int, result: Result<TransformResult, any Error>)]

    /// Where records of a topic go, as far as the topic alone tells: a transform that never renames one need not say so.
    func topic(after topic: Name) -> Name

    func close()
}

public enum TransformResult: Sendable { case keep, drop }

extension Transform {
    public func apply(to entries: inout [RecordBatch.Entry], at indexes: [Int]) -> [(index: Int, result: Result<TransformResult, any Error>)] {
        var exceptions: [(index: Int, result: Result<TransformResult, any Error>)] = []
        for index in indexes {
            do {
                if try apply(&entries[index].record) == .drop { exceptions.append((index, .success(.drop))) }
            } catch {
                exceptions.append((index, .failure(error)))
            }
        }
        return exceptions
    }
    public func topic(after topic: Name) -> Name { topic }
    public func close() {}
}

/// A condition on a record. Threads as for ``Transform``.
///
/// Implement ``test(_:)``; ``select(from:at:)`` is called once per batch and goes through it.
public protocol Predicate: AnyObject {
    func configure(_ config: Config) throws
    func test(_ record: Record) throws -> Bool

    /// Tests the batch's entries at `indexes`, all live.
    /// - Returns: those for which the condition holds, ascending, and those for which it could not be told.
    func select(from entries: [RecordBatch.Entry], at indexes: [Int]) -> (holding: [Int], failures: [(index: Int, error: any Error)])

    /// Whether the condition holds for records of a topic; `nil` where the topic alone does not tell.
    func holds(forTopic topic: Name) -> Bool?

    func close()
}

extension Predicate {
    public func select(from entries: [RecordBatch.Entry], at indexes: [Int]) -> (holding: [Int], failures: [(index: Int, error: any Error)]) {
        var holding: [Int] = [], failures: [(index: Int, error: any Error)] = []
        holding.reserveCapacity(indexes.count)
        for index in indexes {
            do {
                if try test(entries[index].record) { holding.append(index) }
            } catch {
                failures.append((index, error))
            }
        }
        return (holding, failures)
    }
    public func holds(forTopic topic: Name) -> Bool? { nil }
    public func close() {}
}
