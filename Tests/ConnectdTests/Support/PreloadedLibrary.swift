import Foundation

/// C functions that stand before the C library's own in a program under test.
struct PreloadedLibrary {
    let path: String

    /// Compiles it. - Throws: ``TestFailure`` with the compiler's words.
    init(_ name: String, source: String, in folder: String) throws {
        path = "\(folder)/\(name).so"
        try source.write(toFile: "\(folder)/\(name).c", atomically: false, encoding: .utf8)
        let command = "cc -O1 -shared -fPIC -o \(name).so \(name).c || clang -O1 -shared -fPIC -o \(name).so \(name).c"
        let compiler = try ChildProcess("/bin/sh", ["-c", command], output: "\(folder)/compiler", directory: folder)
        guard compiler.wait(seconds: 60) == .exit(0) else { throw TestFailure("\(name).c does not compile: \(compiler.errors)") }
    }

    /// What a program's environment needs to have them.
    var variables: [String: String] { ["LD_PRELOAD": path] }
}
