/// One thing a contract promises, by name: "is a topic log" means every case of its suite passes.
///
/// Cases throw on failure and use no test library, so that any runner can run them: `@Test(arguments: TopicLogConformance.cases)`.
/// They block: run each on a thread of its own (``onThread(_:)``).
public struct ConformanceCase<Subject: Sendable>: Sendable, CustomStringConvertible {
    public let name: String
    private let body: @Sendable (Subject) throws -> Void

    public init(_ name: String, _ body: @escaping @Sendable (Subject) throws -> Void) {
        self.name = name
        self.body = body
    }

    public var description: String { name }

    /// - Throws: ``ConformanceFailure`` or what the subject threw.
    public func run(_ subject: Subject) throws { try body(subject) }
}

/// What a case expected and did not find.
public struct ConformanceFailure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw ConformanceFailure(what()) }
}

func expectEqual<T: Equatable>(_ found: T, _ expected: T, _ what: @autoclosure () -> String) throws {
    if found != expected { throw ConformanceFailure("\(what()): expected \(expected), found \(found)") }
}

func unwrap<T>(_ value: T?, _ what: @autoclosure () -> String) throws -> T {
    guard let value else { throw ConformanceFailure(what()) }
    return value
}
