/// Where a sink that keeps its position in its target goes on (design D7, connectors §6.6): a pure decision, shared by all database sinks.
public enum SinkResume {
    /// What stands in the target for a partition.
    public struct StoredPosition: Sendable, Hashable {
        public let topicID: String
        public let nextOffset: Int64
        /// Leader epoch of the last record applied, `nil` before the first.
        public let lastLogEpoch: Int32?
        public init(topicID: String, nextOffset: Int64, lastLogEpoch: Int32?) {
            self.topicID = topicID
            self.nextOffset = nextOffset
            self.lastLogEpoch = lastLogEpoch
        }
    }

    /// What to do when the topic was deleted and made again.
    public enum RecreatedTopicPolicy: String, Sendable, CaseIterable { case fail, reset }
    /// What to do when records were deleted by retention before the sink read them.
    public enum GapPolicy: String, Sendable, CaseIterable { case fail, skip }

    public enum Decision: Sendable, Hashable {
        case goOn(Int64)
        /// The topic is another one and the policy allows it: replace the stored topic id and start there.
        case startOver(Int64)
        case refuse(ConnectError)
    }

    /// The metadata of group offsets that were committed after a commit of the target.
    public static let groupMetadata = "connectd:target"

    public static func decide(
        stored: StoredPosition?, partition: AssignedPartition, onRecreated: RecreatedTopicPolicy = .fail, onGap: GapPolicy = .fail
    ) -> Decision {
        let place = partition.topicPartition, bounds = partition.bounds
        guard let stored else {
            guard let committed = partition.committed else {
                switch partition.resetPolicy {
                case .earliest: return .goOn(bounds.start)
                case .latest: return .goOn(bounds.end)
                case .none:
                    return .refuse(
                        ConnectError(
                            .fatal, code: "sink.no_position", "there is no position for \(place), and consumer.override.auto.offset.reset is none",
                            suggestion: "set it to earliest or latest, or stop the connector and set its offsets"))
                }
            }
            if equalBytes(committed.metadata, groupMetadata) {
                return .refuse(
                    ConnectError(
                        .fatal, code: "sink.position_missing",
                        "the target has no position for \(place), but the group has committed offset \(committed.offset) after writing to it: the copy was deleted or replaced",
                        suggestion:
                            "to rebuild it from the start, stop the connector and reset its offsets; to go on from \(committed.offset), set the offsets to that by hand"))
            }
            return inBounds(committed.offset, place, bounds, onGap)
        }
        if !equalBytes(stored.topicID, partition.topicID.description) {
            switch onRecreated {
            case .reset: return .startOver(bounds.start)
            case .fail:
                return .refuse(
                    ConnectError(
                        .fatal, code: "sink.topic_recreated",
                        "topic \(place.topic) was deleted and made again: the target was written from topic id \(stored.topicID), the topic's is \(partition.topicID)",
                        suggestion: "set on.topic.recreated=reset to read the new topic from its start, or reset the connector's offsets"))
            }
        }
        if let epoch = stored.lastLogEpoch {
            guard let end = bounds.endOffset(ofEpoch: epoch) else {
                return .refuse(lostEnd(place, stored, "the log has no epoch \(epoch)"))
            }
            if stored.nextOffset > end { return .refuse(lostEnd(place, stored, "epoch \(epoch) ends at offset \(end)")) }
        } else if stored.nextOffset > bounds.end {
            return .refuse(lostEnd(place, stored, "the log ends at offset \(bounds.end)"))
        }
        return inBounds(stored.nextOffset, place, bounds, onGap)
    }

    private static func lostEnd(_ place: TopicPartition, _ stored: StoredPosition, _ why: String) -> ConnectError {
        ConnectError(
            .fatal, code: "sink.log_lost_its_end",
            "the target has applied \(place) up to offset \(stored.nextOffset), but \(why): the log lost its end or was made anew",
            suggestion: "restore the log's data folder, or reset the connector's offsets to rebuild the copy")
    }

    private static func inBounds(_ offset: Int64, _ place: TopicPartition, _ bounds: PartitionBounds, _ onGap: GapPolicy) -> Decision {
        if offset > bounds.end {
            return .refuse(
                ConnectError(
                    .fatal, code: "sink.log_lost_its_end",
                    "the position of \(place) is offset \(offset), but the log ends at \(bounds.end): the log lost its end or was made anew",
                    suggestion: "restore the log's data folder, or reset the connector's offsets"))
        }
        if offset >= bounds.start { return .goOn(offset) }
        switch onGap {
        case .skip: return .goOn(bounds.start)
        case .fail:
            return .refuse(
                ConnectError(
                    .fatal, code: "sink.gap",
                    "\(place) is to go on at offset \(offset), but retention has deleted everything before \(bounds.start)",
                    suggestion: "set on.gap=skip to go on at \(bounds.start) without the records between"))
        }
    }
}
