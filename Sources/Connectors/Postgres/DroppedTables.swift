internal import ConnectRuntime

/// Tables that are named in a configuration and went while it ran.
enum DroppedTables {
    /// Says it in the log, once for each change.
    static func say(_ missing: [Name], before: inout [Name], _ logger: Logger) {
        guard missing != before else { return }
        before = missing
        if let words = words(missing) { logger.warning(words) }
    }

    /// What stands in the task's status; `nil` when nothing is missing.
    static func note(_ missing: [Name], isEmpty: Bool) -> String? {
        words(missing) ?? (isEmpty ? "no table matches table.include.list and table.exclude.list yet" : nil)
    }

    private static func words(_ missing: [Name]) -> String? {
        if missing.isEmpty { return nil }
        return "\(missing.map { "table \($0)" }.joined(separator: ", ")) was dropped or renamed: the other tables go on; bring it back, or take it out of table.include.list"
    }
}
