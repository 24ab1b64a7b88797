internal import ConnectRuntime

/// Which tables a source captures: regular expressions matched against the whole name, exclusion wins.
struct TableSelection: Sendable {
    private let include: [RegularExpression]
    private let exclude: [RegularExpression]
    /// Included names without any special character: each must exist.
    let plainNames: [Name]

    /// - Parameter include: empty for every table.
    init(include: [String], exclude: [String]) throws(SettingError) {
        plainNames = include.filter { Self.isPlain($0) }.map { Name($0) }
        var compiled: [RegularExpression] = []
        for pattern in include { compiled.append(try RegularExpression(pattern)) }
        self.include = compiled
        compiled = []
        for pattern in exclude { compiled.append(try RegularExpression(pattern)) }
        self.exclude = compiled
    }

    /// - Parameter spellings: the names a table may be meant by (`orders`, `main.orders`).
    func contains(_ spellings: [String]) throws(SettingError) -> Bool {
        for expression in exclude { for name in spellings where try expression.matches(name) { return false } }
        if include.isEmpty { return true }
        for expression in include { for name in spellings where try expression.matches(name) { return true } }
        return false
    }

    private static func isPlain(_ pattern: String) -> Bool { !pattern.utf8.contains { Array("\\^$.|?*+()[]{}".utf8).contains($0) } }
}
