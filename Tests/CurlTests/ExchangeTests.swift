import ConnectTesting
import Curl
import Glibc
import Testing

@Suite(.serialized)
struct ExchangeTests {
    @Test func methodsBodiesAndHeadersArriveAsGiven() async throws {
        let server = try ScriptedServer { request, _ in .status(200, headers: [("X-Method", request.method)], body: request.text) }
        defer { server.stop() }
        try await onThread {
            let easy = try CurlEasy(CurlOptions())
            for (method, body) in [("POST", "one"), ("PUT", ""), ("PATCH", "three"), ("DELETE", "x"), ("POST", "five")] {
                let answer = try easy.perform(
                    CurlRequest(method: method, url: server.url + "/a/../b%2Fc", headers: ["X-One: 1", "Evil: a\r\nInjected: b"], body: Array(body.utf8)))
                #expect(answer.status == 200)
                #expect(answer.header("x-method") == method)
                #expect(String(decoding: answer.body, as: UTF8.self) == body)
            }
            for method in ["GET", "DELETE"] {
                #expect(try easy.perform(CurlRequest(method: method, url: server.url + "/")).header("X-Method") == method)
            }
            #expect(try easy.perform(CurlRequest(method: "POST", url: server.url + "/", body: [1])).header("X-Method") == "POST")
        }
        #expect(server.acceptedConnections == 1, "the connection is kept")
        #expect(server.requests.first?.target == "/a/../b%2Fc")
        #expect(server.requests.allSatisfy { $0.header("Injected") == nil && $0.header("Evil") == nil })
        #expect(server.requests.dropLast(3).allSatisfy { $0.header("X-One") == "1" && $0.header("Expect") == nil })
    }

    @Test func aLargeBodyGoesOutAtOnceAndALongAnswerIsCut() async throws {
        let server = try ScriptedServer { request, _ in .status(200, body: String(repeating: "a", count: request.body.count)) }
        defer { server.stop() }
        try await onThread {
            var options = CurlOptions()
            options.responseLimit = 4096
            let easy = try CurlEasy(options)
            let answer = try easy.perform(CurlRequest(method: "POST", url: server.url, body: [UInt8](repeating: 7, count: 3_000_000)))
            #expect(answer.body.count == 4096)
            #expect(answer.isBodyCut)
        }
    }

    /// A handle keeps what it took apart and copied for the exchange before: every change must get through all the same.
    @Test func whatChangesBetweenExchangesArrives() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let steps: [(target: String, headers: [String], body: [UInt8]?)] = [
            ("/one?a=1", ["X-A: 1", "X-B: 1"], [1]), ("/one?a=1", ["X-A: 1", "X-B: 2"], [2]), ("/two", ["X-A: 3", "X-B: 22"], [3]),
            ("/one?a=1", ["X-A: 3"], nil), ("/one?a=1", [], [5]), ("/big", ["X-A: 6"], [UInt8](repeating: 6, count: 1 << 20)), ("/one?a=1", ["X-A: 7"], [7]),
            ("/%C3%A9", ["X-A: 8", "X-A: 9"], [8]),
        ]
        try await onThread {
            let easy = try CurlEasy(CurlOptions())
            for step in steps { #expect(try easy.perform(CurlRequest(method: step.body == nil ? "GET" : "POST", url: server.url + step.target, headers: step.headers, body: step.body)).status == 200) }
            #expect(throws: CurlError.self) { _ = try easy.perform(CurlRequest(url: "http://[::1")) }
            #expect(try easy.perform(CurlRequest(url: server.url + "/last")).status == 200)
        }
        #expect(server.requests.count == steps.count + 1)
        for (step, request) in zip(steps, server.requests) {
            #expect(request.target == step.target && request.body == step.body ?? [])
            #expect(request.headers.filter { $0.name.hasPrefix("X-") }.map { "\($0.name): \($0.value)" } == step.headers)
            #expect(request.header("Expect") == nil && request.header("Accept-Encoding")?.contains("gzip") == true)
        }
        #expect(server.requests.last?.target == "/last")
    }

    /// The same for the line behind the others, beside lists that stay, change and have lines left out of them.
    @Test func theLastLineChangesAlone() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        let same = ["X-A: 1", "X-B: 1"], evil = ["X-A: a\r\nX-Injected: much longer than the next", "X-B: 1"]
        let steps: [(headers: [String], last: String?, sent: [String])] = [
            (same, "X-K: one", same + ["X-K: one"]), (same, "X-K: two", same + ["X-K: two"]), (same, "X-K: three", same + ["X-K: three"]), (same, nil, same),
            (["X-A: 2", "X-B: 1"], "X-K: 4", ["X-A: 2", "X-B: 1", "X-K: 4"]), (evil, "X-K: 5", ["X-B: 1", "X-K: 5"]), (evil, "X-K: 6", ["X-B: 1", "X-K: 6"]),
            (["X-A: a of just the length of what was left out!", "X-B: 2"], "X-K: 7", ["X-A: a of just the length of what was left out!", "X-B: 2", "X-K: 7"]),
            (same, "X-K: 8\r\nX-Injected: 1", same), (same, "X-K: 9", same + ["X-K: 9"]), ([], "X-K: 0", ["X-K: 0"]), ([], nil, []), (evil, nil, ["X-B: 1"]), ([], nil, []),
        ]
        try await onThread {
            let easy = try CurlEasy(CurlOptions())
            for step in steps { _ = try easy.perform(CurlRequest(method: "POST", url: server.url, headers: step.headers, lastHeader: step.last, body: [1])) }
        }
        #expect(server.requests.map { $0.headers.filter { $0.name.hasPrefix("X-") }.map { "\($0.name): \($0.value)" } } == steps.map(\.sent))
    }

    @Test func headersOfAnswersAreKeptWhereSomeoneReadsThem() async throws {
        let server = try ScriptedServer { request, _ in
            let status = Int(request.target.dropFirst()) ?? 500
            return .status(status, headers: [("Retry-After", " \(status) "), ("X-Long", String(repeating: "l", count: 40_000)), ("X-Last", "ü")])
        }
        defer { server.stop() }
        let answers = try await onThread {
            var options = CurlOptions()
            options.keepsHeaders = { $0 != 200 }
            let easy = try CurlEasy(options)
            return try [503, 200, 429].map { try easy.perform(CurlRequest(method: "POST", url: server.url + "/\($0)", body: [1])) }
        }
        #expect(answers.map { $0.header("retry-after") } == ["503", nil, "429"])
        #expect(answers.map { $0.header("X-Last") } == ["ü", nil, "ü"])
        #expect(answers.allSatisfy { $0.header("X-Long") == nil }, "what is too long is not kept")
        #expect(answers[1].headers.isEmpty)
    }

    @Test func answersAreCompressedWhereSomeoneReadsThem() async throws {
        let server = try ScriptedServer { _, _ in .status(200) }
        defer { server.stop() }
        try await onThread {
            for wanted in [false, true] {
                var options = CurlOptions()
                options.compressedAnswers = wanted
                _ = try CurlEasy(options).perform(CurlRequest(method: "POST", url: server.url, headers: ["X-A: 1"], body: [1]))
            }
        }
        #expect(server.requests.map { $0.header("Accept-Encoding") == nil } == [true, false])
    }

    @Test func redirectsAreAnswers() async throws {
        let elsewhere = try ScriptedServer { _, _ in .status(200) }
        let server = try ScriptedServer { _, _ in .status(302, headers: [("Location", elsewhere.url)]) }
        defer { server.stop(); elsewhere.stop() }
        let status = try await onThread { try CurlEasy(CurlOptions()).perform(CurlRequest(url: server.url)).status }
        #expect(status == 302)
        #expect(elsewhere.requests.isEmpty)
    }

    @Test func failuresHaveTheirKind() async throws {
        let server = try ScriptedServer { request, _ in
            switch request.target {
            case "/reset": .reset
            case "/close": .close
            case "/cut": .cut(200, body: "ab", promised: 9)
            default: .silence
            }
        }
        defer { server.stop() }
        try await onThread {
            var options = CurlOptions()
            options.requestTimeoutMilliseconds = 300
            func kind(_ url: String, _ change: (inout CurlOptions) -> Void = { _ in }) -> CurlError.Kind? {
                var options = options
                change(&options)
                do {
                    _ = try CurlEasy(options).perform(CurlRequest(method: "POST", url: url, body: [1]))
                    return nil
                } catch { return error.kind }
            }
            #expect(kind(server.url + "/reset") == .broken)
            #expect(kind(server.url + "/close") == .broken)
            #expect(kind(server.url + "/cut") == .broken)
            #expect(kind(server.url + "/silence") == .timeout)
            #expect(kind(server.url) { $0.addresses = .publicOnly } == .refused)
            #expect(kind("http://localhost:\(server.port)") { $0.addresses = .publicOnly } == .refused)
            #expect(kind("http://127.0.0.1:1/") == .connect)
            #expect(kind("ftp://127.0.0.1/") == .local)
            #expect(kind("https://127.0.0.1:\(server.port)") { $0.tls.authorities = .path("/nonexistent.pem") } == .trust)
        }
        #expect(!server.requests.contains { $0.target == "/" }, "a refused address is not connected to")
    }

    @Test func manyExchangesRunSideBySideAndReuseConnections() async throws {
        let server = try ScriptedServer { request, _ in .status(200, body: request.text) }
        defer { server.stop() }
        let bodies = try await onThread {
            let multi = try CurlMulti(connections: 4)
            var idle = try (0..<4).map { _ in try CurlEasy(CurlOptions()) }
            var next = 0
            var bodies: Set<String> = []
            while next < 200 || multi.count > 0 {
                while next < 200, let easy = idle.popLast() {
                    try multi.start(CurlRequest(method: "POST", url: server.url, body: Array("\(next)".utf8)), on: easy)
                    next += 1
                }
                for finished in try multi.step(milliseconds: 5_000) {
                    bodies.insert(String(decoding: try finished.result.get().body, as: UTF8.self))
                    idle.append(finished.easy)
                }
            }
            return bodies
        }
        #expect(bodies.count == 200)
        #expect(server.acceptedConnections <= 4)
    }

    @Test func aDescriptorEndsTheWait() async throws {
        let server = try ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        try await onThread {
            var pipe: [Int32] = [0, 0]
            #expect(Glibc.pipe(&pipe) == 0)
            defer { close(pipe[0]); close(pipe[1]) }
            let multi = try CurlMulti(connections: 1), easy = try CurlEasy(CurlOptions())
            try multi.start(CurlRequest(url: server.url), on: easy)
            write(pipe[1], "x", 1)
            // Were the descriptor not looked at, the exchange's own timeout would end the wait with a result.
            for _ in 0..<50 { #expect(try multi.step(milliseconds: 25_000, beside: pipe[0]).isEmpty) }
            multi.cancel(easy)
            #expect(multi.count == 0)
        }
    }
}
