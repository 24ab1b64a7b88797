import ConnectRuntime
import ConnectTesting
import Connectors
import Testing

struct OffsetPrefixTests {
    private let place = TopicPartition("t", 0)

    @Test func nothingIsCommittedPastWhatIsUnderWay() {
        var prefix = OffsetPrefix()
        #expect(prefix.committable(place, upTo: 9) == 9)
        let tickets = [3, 4, 7].map { prefix.begin(place, offset: $0) }
        #expect(prefix.committable(place, upTo: 8) == 3)
        prefix.end(tickets[1])
        #expect(prefix.committable(place, upTo: 8) == 3)
        prefix.end(tickets[0])
        #expect(prefix.committable(place, upTo: 8) == 7)
        prefix.end(tickets[2])
        #expect(prefix.committable(place, upTo: 8) == 8)
    }

    @Test func ticketsOfAGivenUpPartitionMeanNothing() {
        var prefix = OffsetPrefix()
        let old = prefix.begin(place, offset: 0)
        prefix.forget(place)
        _ = prefix.begin(place, offset: 0)
        prefix.end(old)
        #expect(prefix.committable(place, upTo: 1) == 0)
    }

    /// Against the plain definition, in random order of ends.
    @Test func anyOrder() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            var prefix = OffsetPrefix(), open: [(offset: Int64, ticket: OffsetPrefix.Ticket)] = [], next: Int64 = 0, all: [Int64] = []
            for _ in 0..<4_000 {
                if open.isEmpty || Bool.random(using: &random) {
                    next += Int64.random(in: 1...3, using: &random)
                    all.append(next)
                    open.append((next, prefix.begin(place, offset: next, bytes: 3)))
                } else {
                    prefix.end(open.remove(at: Int.random(in: 0..<min(open.count, 50), using: &random)).ticket)
                }
                #expect(prefix.committable(place, upTo: next + 1) == open.map(\.offset).min() ?? next + 1)
            }
            let oldest = open.map(\.offset).min() ?? next + 1
            #expect(prefix.span == all.filter { $0 >= oldest }.count && prefix.spanBytes == 3 * prefix.span)
            prefix.forget(place)
            #expect(prefix.span == 0 && prefix.spanBytes == 0)
        }
    }
}
