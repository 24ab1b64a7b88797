import ConnectRuntime
import EmbeddedLog
import Glibc

@main
struct Main {
    static func main() {
        let environment = Environment.ofProcess()
        ProcessLimits.prepare()
        let terminal = Terminal(environment)
        let catalogue: @Sendable () -> PluginCatalogue = { Catalogue.all }
        let program = Program(
            commands: [StandaloneCommand.command(environment, catalogue), QuickstartCommand.command(environment, catalogue), ValidateCommand.command(environment, catalogue), DoctorCommand.command(environment, catalogue)]
                + TopicsCommands.all(environment, openLog: openStopped) + [VersionCommand.command])
        // Not exit: a task that never returned may still run, and must not see the process taken apart under it. Nothing is buffered.
        _exit(program.run(Array(CommandLine.arguments.dropFirst()), terminal).rawValue)
    }

    /// The log of a worker that does not run; nothing is made where there is none.
    @Sendable private static func openStopped(_ folder: String) throws -> any TopicLog {
        var options = EmbeddedLogOptions(folder: folder)
        options.mayCreate = false
        do throws(LogError) {
            return try EmbeddedLog.open(options)
        } catch {
            let exitCode: ExitCode = error.kind == .invalid ? .environment : .failure
            throw AccessError(finding: Finding(error.connectError, at: Finding.Place(file: folder)), exitCode: exitCode)
        }
    }
}
