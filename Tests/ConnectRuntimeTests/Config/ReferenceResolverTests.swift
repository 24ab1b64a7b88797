import ConnectRuntime
import ConnectTesting
import Foundation
import Testing

@Suite struct ReferenceResolverTests {
    private let resolver = ReferenceResolver(Environment(["A": "one", "EMPTY": ""]))

    @Test(arguments: [
        ("plain", "plain"), ("${env:A}", "one"), ("x${env:A}y${env:A}", "xoneyone"), ("${env:B:-dflt}", "dflt"), ("${env:B:-}", ""),
        ("${env:EMPTY}", ""), ("${env:A:-dflt}", "one"), ("${topic}", "${topic}"), ("${vault:a:b}", "${vault:a:b}"), ("${unfinished", "${unfinished"), ("$", "$"),
        ("${env:B:-http://h:1}", "http://h:1"),
    ])
    func resolves(_ text: String, _ expected: String) throws { #expect(try resolver.resolve(text) == expected) }

    @Test(arguments: ["${env:B}", "${file:/nowhere/at/all:k}", "${file:k}", "${dir:/etc:../etc/passwd}", "${directory:/nowhere:x}"])
    func unresolvedIsAnError(_ text: String) { #expect(throws: ConnectError.self) { try resolver.resolve(text) } }

    @Test func filesAndFolders() throws {
        let folder = try TemporaryFolder()
        try "user = app\npassword=p\\u00e4ss=1\n".write(toFile: folder.path + "/db.properties", atomically: true, encoding: .utf8)
        try "line\n".write(toFile: folder.path + "/token", atomically: true, encoding: .utf8)
        #expect(try resolver.resolve("${file:\(folder.path)/db.properties:password}") == "päss=1")
        #expect(try resolver.resolve("${dir:\(folder.path):token}") == "line\n")
        #expect(try resolver.resolve("${directory:\(folder.path):token}") == "line\n")
        #expect(throws: ConnectError.self) { try resolver.resolve("${file:\(folder.path)/db.properties:nope}") }
    }

    @Test func theSettingIsNamedInTheError() {
        do {
            _ = try resolver.resolve(ConfigMap(["connection.password": "${env:NOPE}"]))
            Issue.record("resolved what is not set")
        } catch {
            #expect(error.message == "configuration connection.password: NOPE is not set in the worker's environment")
        }
    }
}

@Suite struct PropertiesTests {
    @Test func javasFormat() throws {
        let text = "# c\n! c\n\na=1\n b : 2 \nc 3\nd=x\\\n   y\ne=\\u0041\\t\\\\\nf\ng==\nk\\=1=v\n"
        let map = try Properties.parse(text, of: "f")
        #expect(map.entries.map { "\($0.name)|\($0.value ?? "-")" } == ["a|1", "b|2 ", "c|3", "d|xy", "e|A\t\\", "f|", "g|=", "k=1|v"])
    }

    @Test func aBrokenEscapeNamesItsLine() {
        #expect(throws: ConnectError.self) { try Properties.parse("a=1\nb=\\u00g1", of: "f") }
    }
}

@Suite struct WorkerSettingsTests {
    @Test func defaultsAndAliases() throws {
        let settings = try WorkerSettings(ConfigMap(["consumer.max.poll.records": "77"]))
        #expect(settings.sinkBatchRows == 77)
        #expect(settings.shutdownTimeoutMilliseconds == 5000)
    }

    @Test func everyProblemAtOnce() {
        do {
            _ = try WorkerSettings(ConfigMap(["offset.flush.interval.ms": "0", "topic.creation.enable": "yes"]))
            Issue.record("took nonsense")
        } catch {
            let text = "\(error)"
            #expect(text.contains("offset.flush.interval.ms") && text.contains("topic.creation.enable"))
        }
    }

    @Test func unknownKeysWarn() {
        let warnings = WorkerSettings.warnings(ConfigMap(["offset.flush.intervall.ms": "1", "bootstrap.servers": "x", "key.converter.schemas.enable": "true"]))
        #expect(warnings.map(\.setting) == ["offset.flush.intervall.ms"])
        #expect(warnings[0].suggestion == "did you mean \"offset.flush.interval.ms\"?")
    }

    @Test func jsonOrProperties() throws {
        #expect(try WorkerSettings.parseFile(Array("{\"a\": 1}".utf8), of: "f").text("a") == "1")
        #expect(try WorkerSettings.parseFile(Array("a=1".utf8), of: "f").text("a") == "1")
        #expect(throws: ConnectError.self) { try WorkerSettings.parseFile(Array("{\"a\": }".utf8), of: "f") }
    }
}
