import EmbeddedLog
import Testing

/// Which pages may be copied ahead of a checkpoint, and which the checkpoint may leave out.
@Suite struct FrameTableTests {
    private typealias Frame = FrameTable.Frame

    /// A table that copies two frames at a time and leaves one alone.
    private func table(limit: Int = 100) -> FrameTable { FrameTable(lag: 1, step: 2, limit: limit) }

    /// Transactions of pages; frames stand at 100, 200, 300 …
    private func write(_ table: inout FrameTable, _ transactions: [UInt32]..., from first: Int64 = 100) {
        var offset = first
        for pages in transactions {
            for (index, page) in pages.enumerated() {
                table.append(Frame(page: page, offset: offset, isCommit: index == pages.count - 1))
                offset += 100
            }
        }
    }

    @Test func onlyWhatIsDurableIsCopied() {
        var table = table()
        write(&table, [1, 2], [3])
        let mark = table.mark
        write(&table, [4, 5, 6], from: 400)
        #expect(!table.hasWork && table.next().isEmpty)
        table.becameDurable(mark)
        #expect(table.hasWork)
        #expect(table.next() == [Frame(page: 1, offset: 100, isCommit: false), Frame(page: 2, offset: 200, isCommit: true)])
        #expect(!table.hasWork, "one frame is left alone")
        table.becameDurable(table.mark)
        #expect(table.next().map(\.page) == [3, 4])
    }

    @Test func aMarkEndsWithAWholeTransaction() {
        var table = table()
        write(&table, [1, 2])
        let whole = table.mark
        table.append(Frame(page: 3, offset: 300, isCommit: false))
        #expect(table.mark == whole)
        table.append(Frame(page: 4, offset: 400, isCommit: true))
        #expect(table.mark != whole)
    }

    @Test func aPageThatIsWrittenAgainIsNotCopiedBefore() {
        var table = table()
        write(&table, [1, 2, 3], [1, 4])
        table.becameDurable(table.mark)
        #expect(table.next().map(\.page) == [2])
        #expect(table.next() == [Frame(page: 3, offset: 300, isCommit: true), Frame(page: 1, offset: 400, isCommit: false)])
    }

    @Test func onlyTheVeryFrameThatWasCopiedIsLeftOut() {
        var table = table()
        write(&table, [1, 2, 3])
        table.becameDurable(table.mark)
        table.wasCopied(table.next())
        #expect(table.isCopied(1, from: 100) && table.isCopied(2, from: 200))
        #expect(!table.isCopied(3, from: 300) && !table.isCopied(1, from: 200) && !table.isCopied(9, from: 100))
        write(&table, [1], from: 400)
        #expect(table.isCopied(1, from: 100) && !table.isCopied(1, from: 400))
    }

    @Test func aRolledBackTransactionIsWrittenOver() {
        var table = table()
        write(&table, [1, 2])
        table.append(Frame(page: 7, offset: 300, isCommit: false))
        table.append(Frame(page: 8, offset: 400, isCommit: false))
        write(&table, [9], [5], from: 300)
        table.becameDurable(table.mark)
        var copied: [UInt32] = []
        while table.hasWork { copied += table.next().map(\.page) }
        #expect(copied == [1, 2])
        write(&table, [6, 6], from: 500)
        table.becameDurable(table.mark)
        while table.hasWork { copied += table.next().map(\.page) }
        #expect(copied == [1, 2, 9, 5])
        #expect(!table.isSuspended)
    }

    @Test func nothingIsCopiedWhereADurableFrameWasWrittenOver() {
        var table = table()
        write(&table, [1, 2, 3])
        table.becameDurable(table.mark)
        table.removeFrames(from: 300)
        #expect(table.isSuspended && !table.hasWork && table.next().isEmpty)
    }

    @Test func aLogThatBeginsAnewForgetsAll() {
        var table = table()
        write(&table, [1, 2, 3])
        let mark = table.mark
        table.becameDurable(mark)
        table.wasCopied(table.next())
        table.suspend()
        #expect(!table.hasWork)
        table.startAnew()
        #expect(!table.isSuspended && !table.isCopied(1, from: 100))
        write(&table, [1, 2, 3])
        table.becameDurable(mark)
        #expect(!table.hasWork, "a mark of the log before makes nothing durable")
        table.becameDurable(table.mark)
        #expect(table.hasWork)
    }

    @Test func whatIsTooMuchToRememberIsLeftToTheCheckpoint() {
        var table = table(limit: 3)
        write(&table, [1, 2], [3], [1, 4, 5])
        table.becameDurable(table.mark)
        table.wasCopied(table.next())
        #expect(table.isCopied(1, from: 100), "an older frame of the page, which no checkpoint asks for any more")
        #expect(!table.isCopied(1, from: 400) && !table.isCopied(4, from: 500))
        #expect(!table.hasWork)
    }

    @Test func aSpilledPageThatIsWrittenAgainKeepsItsFrame() {
        var table = table()
        table.append(Frame(page: 1, offset: 100, isCommit: false))
        table.append(Frame(page: 2, offset: 200, isCommit: false))
        table.contentChanged(at: 100)
        write(&table, [3], from: 300)
        table.becameDurable(table.mark)
        #expect(table.next().map(\.page) == [1, 2])
        table.contentChanged(at: 300)
        #expect(table.isSuspended, "what is durable is written over by nobody")
    }

    @Test func whatIsNoFrameTakesThoseBehindItAway() {
        var table = table()
        write(&table, [1, 2])
        table.contentChanged(at: 150)
        #expect(!table.isSuspended)
        table.contentChanged(at: 50)
        write(&table, [3, 4, 5], from: 200)
        table.becameDurable(table.mark)
        #expect(table.next().map(\.page) == [1, 3])
    }
}
