import ConnectRuntime
import Testing

/// Where a sink begins that has no position anywhere.
@Suite struct SinkResumeTests {
    private func decide(_ policy: ConsumerOptions.ResetPolicy, committed: CommittedOffset? = nil) -> SinkResume.Decision {
        SinkResume.decide(
            stored: nil,
            partition: AssignedPartition(
                topicPartition: TopicPartition("t", 0), topicID: .random(), bounds: PartitionBounds(start: 3, end: 9, epochs: [], byteCount: 0),
                committed: committed, resetPolicy: policy))
    }

    @Test func thePolicyDecidesWhereNothingIsStored() {
        #expect(decide(.earliest) == .goOn(3))
        #expect(decide(.latest) == .goOn(9))
        guard case .refuse(let error) = decide(.none) else { return #expect(Bool(false)) }
        #expect(error.code == "sink.no_position")
        for policy in ConsumerOptions.ResetPolicy.allCases { #expect(decide(policy, committed: CommittedOffset(offset: 5)) == .goOn(5)) }
    }
}
