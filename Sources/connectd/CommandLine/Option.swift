/// One option of a command, as it is declared once for parsing and for help.
struct Option: Sendable {
    /// Without the dashes.
    let name: String
    /// What stands for its value in help; `nil`: a flag.
    let value: String?
    let help: String
    var short: Character?
    var repeats = false

    static func flag(_ name: String, _ help: String, short: Character? = nil) -> Option {
        Option(name: name, value: nil, help: help, short: short)
    }
    static func value(_ name: String, _ value: String, _ help: String, short: Character? = nil, repeats: Bool = false) -> Option {
        Option(name: name, value: value, help: help, short: short, repeats: repeats)
    }
}

/// The words of a command line, sorted by what was declared.
struct Arguments: Sendable {
    var flags: Set<String> = []
    var values: [String: [String]] = [:]
    var operands: [String] = []

    func has(_ flag: String) -> Bool { flags.contains(flag) }
    func value(_ name: String) -> String? { values[name]?.last }
    func all(_ name: String) -> [String] { values[name] ?? [] }
}

/// A command line that cannot be understood.
struct UsageError: Error {
    let message: String
    let suggestion: String
}
