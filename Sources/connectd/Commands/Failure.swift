import ConnectRuntime

/// Turns whatever a command throws into a finding and an exit code.
enum Failure {
    static func caught(_ terminal: Terminal, _ body: () throws -> ExitCode) -> ExitCode {
        do {
            return try body()
        } catch let error as UsageError {
            terminal.tell(Finding("usage", error.message, suggestion: error.suggestion).text(terminal))
            return .invalid
        } catch let error as AccessError {
            terminal.tell(error.finding.text(terminal))
            return error.exitCode
        } catch let error as FindingsError {
            for finding in error.findings { terminal.tell(finding.text(terminal)) }
            return error.exitCode
        } catch let error as LogError {
            terminal.tell(Finding(error.connectError).text(terminal))
            return error.kind == .unknownTopic || error.kind == .offsetOutOfRange ? .invalid : .failure
        } catch {
            let known = ConnectError(error)
            terminal.tell(Finding(known).text(terminal))
            return known.kind == .configuration ? .invalid : .failure
        }
    }
}

/// Several things wrong at once.
struct FindingsError: Error {
    let findings: [Finding]
    let exitCode: ExitCode
}
