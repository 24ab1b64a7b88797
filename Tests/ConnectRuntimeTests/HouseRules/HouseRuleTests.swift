import Foundation
import Testing

/// Rules of the house that no compiler checks, read from the sources' text (D2, D9, D11).
@Suite struct HouseRuleTests {
    @Test func thereAreSources() {
        #expect(SourceText.sources.count > 30)
    }

    /// Full Foundation brings ICU along: 10 MiB of memory and slower starts.
    @Test func noSourceImportsFoundation() {
        let heavy: Set = ["Foundation", "FoundationNetworking", "FoundationInternationalization", "FoundationXML"]
        let offenders = SourceText.sources.filter { !heavy.isDisjoint(with: $0.imports) }.map(\.path)
        #expect(offenders.isEmpty)
    }

    /// One Swift room speaks to one C library. The kernel's own calls (CLinux) are no library.
    @Test func eachLibraryHasOneRoom() {
        var rooms: [String: Set<String>] = [:]
        for file in SourceText.sources {
            for module in file.imports where isDoorToC(module) && module != "CLinux" { rooms[module, default: []].insert(file.room) }
        }
        let shared = rooms.filter { $0.value.count > 1 }
        #expect(shared.isEmpty)
    }

    /// The runtime knows no client library, no engine and no door: they know it.
    @Test func runtimeImportsNothingAboveIt() {
        let allowed: Set = ["Glibc", "Synchronization", "Dispatch", "FoundationEssentials", "CLinux", "CRegex", "CCrypto", "CCompression"]
        for file in SourceText.sources where file.path.hasPrefix("Sources/ConnectRuntime/") {
            let foreign = Set(file.imports).subtracting(allowed)
            #expect(foreign.isEmpty, "\(file.path)")
        }
    }

    /// A trap takes the worker down, and nothing that input, a peer or a disk can cause may reach one.
    @Test(arguments: ["fatalError(", "try!", "as!"])
    func noSourceTrapsOnPurpose(_ word: String) {
        let places = SourceText.sources.flatMap { $0.places(of: word) }
        #expect(places.isEmpty)
    }

    /// What the compiler is told to believe has its reason in the comment above the declaration.
    @Test(arguments: ["@unchecked Sendable", "nonisolated(unsafe)"])
    func uncheckedClaimsSayWhy(_ word: String) {
        for file in SourceText.sources {
            for index in file.code.indices where file.code[index].contains(word) {
                #expect(file.comment(above: index).count >= 20, "\(file.path):\(index + 1)")
            }
        }
    }

    /// Text that says where or by whom something was written has no place in what readers get.
    @Test func theProjectSpeaksOfItselfAlone() {
        let files = SourceText.files(under: ["Sources", "Tests", "Benchmarks", "docs"], endings: [".swift", ".h", ".c", ".md", ".modulemap"])
        // In halves, so that this file does not find itself.
        let words = ["/wo" + "rk/", "../sha" + "red", "swift-" + "traps", "design" + ".md", "HELP" + "ERS"]
        for file in files {
            for (index, line) in file.lines.enumerated() {
                let found = words.filter(line.contains)
                #expect(found.isEmpty, "\(file.path):\(index + 1)")
            }
        }
    }

    /// Foundation's `Process` waits for ever where another program inherited its socket: `ChildProcess` runs programs.
    @Test(arguments: [" Process()", "(Process()", "waitUntilExit("])
    func testsRunProgramsByPosixSpawn(_ word: String) {
        let places = SourceText.files(under: ["Tests", "Benchmarks"]).flatMap { $0.places(of: word) }
        #expect(places.isEmpty)
    }

    @Test func codeIsToldFromTextAndComments() {
        let text = [
            "import  Glibc // try! one",
            ##"let a = "try! \" two" /* try! /* three */ try! */ + #"try! " four"#; b()"##,
            "let c = \"\"\"", " try! five", "\"\"\"",
            "internal import CSQLite",
            "@preconcurrency public import struct Foo.Bar",
        ]
        let file = SourceFile(path: "x.swift", text: text.joined(separator: "\n"))
        #expect(file.places(of: "try!").isEmpty)
        #expect(file.places(of: "b()") == ["x.swift:2"])
        #expect(file.imports == ["Glibc", "CSQLite", "Foo"])
    }

    private func isDoorToC(_ module: String) -> Bool {
        module.utf8.count > 1 && module.first == "C" && module.dropFirst().first?.isUppercase == true
    }
}

extension SourceFile {
    /// The target the file belongs to; the connectors are rooms of their own.
    var room: String {
        let parts = path.split(separator: "/")
        if parts.count > 3, parts[1] == "Connectors" { return parts[1...2].joined(separator: "/") }
        return parts.count > 1 ? String(parts[1]) : path
    }

    /// The words of the comment directly above a line (attributes may stand between) or at its end.
    func comment(above index: Int) -> String {
        var words: [String] = []
        if let start = lines[index].range(of: "//") { words.append(String(lines[index][start.upperBound...])) }
        var above = index - 1
        while above >= 0 {
            let line = lines[above].trimmed
            if line.hasPrefix("//") { words.append(line) } else if !line.hasPrefix("@") { break }
            above -= 1
        }
        return words.joined(separator: " ")
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " || $0 == "\t" }) }
}
