import CLinux
import Foundation
import Glibc

/// A process under test: started with its output in files, killed and reaped at the latest when this object goes.
/// Belongs to one thread at a time.
final class ChildProcess {
    let pid: pid_t
    let outputPath: String
    let errorPath: String
    /// Open as long as the process (or a child of it) lives: its other end is readable at the end of the last of them.
    private let lifeline: Int32
    private var ending: Ending?

    enum Ending: Equatable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)
        var description: String {
            switch self {
            case .exit(let code): "exit code \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    /// - Parameters:
    ///   - directory: the folder it runs in.
    ///   - output: path (without ending) of the files that take standard output and standard error, made anew.
    ///   - variables: added to this process's environment.
    init(_ program: String, _ arguments: [String], output: String, directory: String? = nil, variables: [String: String] = [:]) throws {
        outputPath = output + ".out"
        errorPath = output + ".err"
        var ends: [Int32] = [-1, -1]
        // A socket pair rather than a pipe: it is made close-on-exec in one step, so that no other child gets it.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw TestFailure("no socket pair: \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, ends[1], Self.lifelineNumber)
        // Nothing else of ours stays open because it has it too.
        connectd_spawn_closes_from(&actions, Self.lifelineNumber + 1)

        // The thread that runs a test may have signals blocked, which a child inherits: it shall hear of them as one started by a shell does.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        // `env -C` becomes the program after it changed the folder.
        let line = directory.map { ["/usr/bin/env", "-C", $0, program] + arguments } ?? [program] + arguments
        let words = line.map { strdup($0) } + [nil]
        let environment = Environment.variables.merging(variables) { $1 }.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + environment { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, line[0], &actions, &attributes, words, environment)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw TestFailure("\(program) does not start: \(String(cString: strerror(code)))")
        }
        self.pid = pid
        lifeline = ends[0]
    }

    deinit {
        if ending == nil {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        close(lifeline)
    }

    /// Sends a signal; nothing happens to a process that was reaped.
    func send(_ signal: Int32) { if ending == nil { kill(pid, signal) } }

    /// Waits for the end, at most so long; `nil` when it still runs.
    func wait(seconds: Double) -> Ending? {
        if let ending { return ending }
        let deadline = Environment.now() + seconds
        while true {
            let left = max(0, deadline - Environment.now())
            var waiting = pollfd(fd: lifeline, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, Int32(min(left, 3600) * 1000) + 1)
            // The pipe's end comes an instant before the process can be reaped.
            if ready > 0 { return reap(flags: 0) }
            if ready == 0 || left == 0 { return reap(flags: WNOHANG) }
        }
    }

    var isRunning: Bool { wait(seconds: 0) == nil }

    /// Ends it the hard way and waits until it is gone.
    func killNow() {
        send(SIGKILL)
        _ = wait(seconds: 30)
    }

    private func reap(flags: Int32) -> Ending? {
        var status: Int32 = 0
        guard waitpid(pid, &status, flags) == pid else { return nil }
        ending = status & 0x7f == 0 ? .exit((status >> 8) & 0xff) : .signal(status & 0x7f)
        return ending
    }

    var output: String { read(outputPath) }
    var errors: String { read(errorPath) }
    private func read(_ path: String) -> String { String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self) }

    /// A figure of /proc/PID/status in KiB, e.g. `VmRSS` or `VmHWM`.
    func memory(_ name: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }

    /// Processor time it has used, in seconds.
    func processorSeconds() -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else { return nil }
        let words = text[text.index(after: end)...].split(separator: " ")
        guard words.count > 13, let user = Double(words[11]), let system = Double(words[12]) else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The first behind the three that every program has.
    private static let lifelineNumber: Int32 = 3
}

extension ChildProcess {
    /// Runs a command of the built program to its end.
    static func run(_ arguments: [String], in folder: String, name: String = "command", seconds: Double = 60, variables: [String: String] = [:]) throws -> Finished {
        let process = try ChildProcess(Environment.program, arguments, output: "\(folder)/\(name)", directory: folder, variables: variables)
        guard let ending = process.wait(seconds: seconds) else {
            throw TestFailure("connectd \(arguments.joined(separator: " ")) did not end within \(seconds) s: \(process.errors)")
        }
        return Finished(ending: ending, output: process.output, errors: process.errors)
    }

    struct Finished {
        let ending: Ending
        let output: String
        let errors: String
    }
}
