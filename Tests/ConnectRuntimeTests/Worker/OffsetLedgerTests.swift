import ConnectRuntime
import Testing

/// P1, P2: what may be stored when, and what the source may be told.
@Suite struct OffsetLedgerTests {
    private let a = SourcePartition([("p", .string("a"))]), b = SourcePartition([("p", .string("b"))])

    private func offset(_ number: Int64) -> SourceOffset { SourceOffset([("n", .integer(number))]) }
    private func numbers(_ offsets: [OffsetLedger.Offset]) -> [String] {
        offsets.map { String(decoding: $0.partition.json, as: UTF8.self) + String(decoding: $0.offset.json, as: UTF8.self) }
    }

    @Test func theLastOffsetOfEachPartitionIsStored() {
        var ledger = OffsetLedger()
        for (partition, number) in [(a, 1), (b, 10), (a, 2), (a, 3), (b, 11)] as [(SourcePartition, Int64)] {
            ledger.enter(SourceOrigin(partition: partition, offset: offset(number)))
        }
        #expect(numbers(ledger.seal()) == [#"{"p":"a"}{"n":3}"#, #"{"p":"b"}{"n":11}"#])
    }

    @Test func aRecordWithoutOffsetIsCoveredByTheNext() {
        var ledger = OffsetLedger()
        ledger.enter(SourceOrigin(partition: a, offset: offset(1)))
        #expect(ledger.isCovered)
        ledger.enter(SourceOrigin(partition: a, offset: nil))
        #expect(!ledger.isCovered)
        ledger.enter(SourceOrigin(partition: b, offset: offset(1)))
        #expect(!ledger.isCovered)
        ledger.enter(SourceOrigin(partition: a, offset: offset(2)))
        #expect(ledger.isCovered)
        #expect(ledger.openRecords == 4)
    }

    @Test func aRangeOfABatchIsEnteredAsItsRecordsAre() {
        let entries = ([(a, 1), (b, nil), (a, nil), (b, 7), (a, 2)] as [(SourcePartition, Int64?)]).map { partition, number in
            RecordBatch.Entry(record: Record(topic: "t"), origin: .source(SourceOrigin(partition: partition, offset: number.map { offset($0) })))
        }
        var ledger = OffsetLedger()
        ledger.enter(entries, 0..<3)
        #expect(ledger.openRecords == 3)
        #expect(!ledger.isCovered)
        ledger.enter(entries, 3..<5)
        #expect(ledger.openRecords == 5)
        #expect(ledger.isCovered)
        #expect(numbers(ledger.seal()) == [#"{"p":"a"}{"n":2}"#, #"{"p":"b"}{"n":7}"#])
    }

    @Test func transactionsSettleInTheirOrder() {
        var ledger = OffsetLedger()
        for number in 1...3 as ClosedRange<Int64> {
            ledger.enter(SourceOrigin(partition: a, offset: offset(number)))
            _ = ledger.seal()
        }
        #expect(ledger.unsettled == 3)
        #expect(numbers(ledger.settle().offsets) == [#"{"p":"a"}{"n":1}"#])
        #expect(numbers(ledger.settle().offsets) == [#"{"p":"a"}{"n":2}"#])
        #expect(ledger.settle().records == 1)
        #expect(ledger.settle().offsets.isEmpty)
    }

    @Test func offsetsOfDroppedRecordsGoWithTheNextTransaction() {
        var ledger = OffsetLedger()
        ledger.enter(SourceOrigin(partition: a, offset: offset(5)))
        ledger.dropOpen()
        #expect(ledger.openRecords == 0)
        ledger.enter(SourceOrigin(partition: b, offset: offset(1)))
        #expect(numbers(ledger.seal()).count == 2)
    }

    @Test func partitionsAreComparedByContent() {
        var ledger = OffsetLedger()
        ledger.enter(SourceOrigin(partition: a, offset: offset(1)))
        ledger.enter(SourceOrigin(partition: SourcePartition(storedJSON: a.json), offset: offset(2)))
        #expect(ledger.seal().count == 1)
    }
}
