/// What each status means.
package struct StatusRules: Sendable {
    private let success: StatusSet
    private let drop: StatusSet
    private let retry: StatusSet

    package init(success: StatusSet, drop: StatusSet, retry: StatusSet) {
        self.success = success
        self.drop = drop
        self.retry = retry
    }

    /// - Parameter isDelete: a thing that is not there needs no deleting.
    package func verdict(_ status: Int, isDelete: Bool) -> StatusVerdict {
        if success.contains(status) || drop.contains(status) { return .delivered }
        if isDelete, status == 404 || status == 410 { return .delivered }
        if retry.contains(status) { return status == 429 ? .throttled : .retriable }
        return .refused
    }
}
