import ConnectRuntime
import Glibc

/// Where a command writes: results on standard output, everything else on standard error.
struct Terminal: Sendable {
    /// Signs beyond ASCII: for people at a terminal, unless `NO_COLOR` is set.
    let isPlain: Bool
    let isInteractive: Bool

    init(_ environment: Environment) {
        isInteractive = isatty(STDERR_FILENO) == 1
        isPlain = !isInteractive || !(environment["NO_COLOR"] ?? "").isEmpty
    }

    var check: String { isPlain ? "ok" : "✓" }
    var cross: String { isPlain ? "error:" : "✗" }
    var warning: String { isPlain ? "warning:" : "⚠" }
    var arrow: String { isPlain ? "->" : "→" }
    var dot: String { isPlain ? "-" : "·" }
    var dash: String { isPlain ? "--" : "—" }

    /// A result, on standard output.
    /// - Returns: whether somebody still reads.
    @discardableResult func print(_ text: String) -> Bool { Terminal.write(STDOUT_FILENO, Array((text + "\n").utf8)) }
    @discardableResult func print(_ bytes: [UInt8]) -> Bool { Terminal.write(STDOUT_FILENO, bytes) }

    /// Progress, findings and errors, on standard error.
    func tell(_ text: String) { _ = Terminal.write(STDERR_FILENO, Array((text + "\n").utf8)) }

    static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
