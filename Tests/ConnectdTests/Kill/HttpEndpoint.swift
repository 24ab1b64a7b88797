import ConnectTesting
import Foundation
import Glibc
import Synchronization

/// Takes records over HTTP, one or several per request, and fails by plan: before it took them, after, for some of them, for one of them for good.
final class HttpEndpoint: Sendable {
    struct Arrival {
        let key: String
        let partition: Int
        let offset: Int64
        let recordKey: String
        let value: Int
        var place: String { "\(partition)@\(offset)" }
    }

    private struct State {
        var arrivals: [Arrival] = []
        var arrived: Set<String> = []
        var values: Set<Int> = []
        /// Every key that a record came under, on any try.
        var keys: [String: Set<String>] = [:]
        var kinds: Set<String> = []
        var faults: [String] = []
        var generation = 1
        var uses = 0
        var elsewhere = ""
        /// From which request on each kind of failure is due again.
        var due = HttpEndpoint.plan.map(\.first)
        var slowDue = 45
    }
    private let state = Mutex(State())

    var arrivals: [Arrival] { state.withLock { $0.arrivals } }
    var values: Set<Int> { state.withLock { $0.values } }
    var keys: [String: Set<String>] { state.withLock { $0.keys } }
    var faults: [String] { state.withLock { $0.faults } }
    var count: Int { state.withLock { $0.values.count } }
    /// How many records of the topic arrived.
    var places: Int { state.withLock { $0.arrived.count } }

    /// Refused for good, by 400 or 422, or by a redirect.
    static func isRefused(_ value: Int) -> Bool { isBad(value) || isMoved(value) }
    private static func isBad(_ value: Int) -> Bool { value % 41 == 7 }
    private static func isMoved(_ value: Int) -> Bool { value % 53 == 11 }

    func redirect(to url: String) { state.withLock { $0.elsewhere = url } }

    /// Kinds of answers that were never given.
    func missingKinds(inBatches: Bool) -> Set<String> {
        let all: Set<String> = [
            "503", "500", "reset", "close", "silence", "cut", "429 seconds", "429 date", "503 seconds", "slow 503", "401", "302", "400", "taken, then reset", "taken, then too slow",
        ]
        return all.union(inBatches ? ["207"] : []).subtracting(state.withLock { $0.kinds })
    }

    func tokenAnswer() -> ScriptedAnswer {
        .status(200, body: "{\"access_token\":\"token-\(state.withLock { $0.generation })\",\"expires_in\":3600}")
    }

    func answer(_ request: ScriptedRequest, _ number: Int) -> ScriptedAnswer {
        guard let items = Self.items(request) else {
            state.withLock { $0.faults.append("a request that cannot be read: \(request.text.prefix(200))") }
            return .status(400)
        }
        state.withLock { state in
            for item in items { state.keys[item.place, default: []].insert(item.key) }
            if items.count == 1, let header = request.header("Idempotency-Key"), header != items[0].key { state.faults.append("\(items[0].place) has another key in its header") }
        }
        if !takesToken(request) { return given("401", .status(401)) }
        if let (kind, answer) = failure(number) { return given(kind, answer) }
        return take(items, number)
    }

    private func given(_ kind: String, _ answer: ScriptedAnswer) -> ScriptedAnswer {
        state.withLock { _ = $0.kinds.insert(kind) }
        return answer
    }

    private static func items(_ request: ScriptedRequest) -> [Arrival]? {
        guard let document = try? JSONSerialization.jsonObject(with: Data(request.body)) else { return nil }
        let items = document as? [[String: Any]] ?? [document as? [String: Any] ?? [:]]
        var arrivals: [Arrival] = []
        for item in items {
            guard let key = item["idempotency_key"] as? String, let partition = item["partition"] as? Int, let offset = item["offset"] as? NSNumber, let value = item["value"] as? Int else { return nil }
            arrivals.append(Arrival(key: key, partition: partition, offset: offset.int64Value, recordKey: item["key"] as? String ?? "", value: value))
        }
        return arrivals
    }

    /// A token is good for so many requests, then another one is needed.
    private func takesToken(_ request: ScriptedRequest) -> Bool {
        state.withLock { state in
            guard request.header("Authorization") == "Bearer token-\(state.generation)" else { return false }
            state.uses += 1
            if state.uses >= 60 {
                state.generation += 1
                state.uses = 0
            }
            return true
        }
    }

    /// Failures that pass, each when its turn has come: at first from this request on, then so many later. Those that make everything wait are rarer.
    private static let plan: [(kind: String, first: Int, period: Int)] = [
        ("503", 5, 89), ("reset", 9, 89), ("close", 13, 89), ("silence", 17, 89), ("cut", 21, 89), ("slow 503", 25, 89), ("500", 29, 89),
        ("429 seconds", 33, 499), ("429 date", 37, 499), ("503 seconds", 41, 499),
    ]

    private static func failureAnswer(_ kind: String) -> ScriptedAnswer {
        switch kind {
        case "reset": .reset
        case "close": .close
        case "silence": .silence
        case "cut": .cut(200, body: "a", promised: 5)
        case "slow 503": .slow(503, pieces: ["a", "b"], milliseconds: 10)
        case "500": .status(500)
        case "429 seconds": .status(429, headers: [("Retry-After", "1")])
        case "429 date": .status(429, headers: [("Retry-After", httpDate(secondsFromNow: 1))])
        case "503 seconds": .status(503, headers: [("Retry-After", "1")])
        default: .status(503)
        }
    }

    private func failure(_ number: Int) -> (String, ScriptedAnswer)? {
        let kind = state.withLock { state -> String? in
            guard let index = Self.plan.indices.first(where: { number >= state.due[$0] }) else { return nil }
            state.due[index] = number + Self.plan[index].period
            return Self.plan[index].kind
        }
        return kind.map { ($0, Self.failureAnswer($0)) }
    }

    private func take(_ items: [Arrival], _ number: Int) -> ScriptedAnswer {
        if items.contains(where: { Self.isMoved($0.value) }) { return given("302", .status(302, headers: [("Location", state.withLock { $0.elsewhere })])) }
        let hasBad = items.contains { Self.isBad($0.value) }
        if hasBad, items.count == 1 || number % 2 == 0 { return given("400", .status(400, body: "bad " + String(repeating: "x", count: 6_000))) }
        if items.count > 1, hasBad || number % 5 == 4 { return partial(items, number) }
        arrive(items)
        // Taken, and the answer lost: it will come again.
        switch number % 31 {
        case 11: return given("taken, then reset", .reset)
        case 3: return .slow(200, pieces: ["o", "k"], milliseconds: 5)
        default: break
        }
        let isSlow = state.withLock { state in
            if number < state.slowDue { return false }
            state.slowDue = number + 89
            return true
        }
        return isSlow ? given("taken, then too slow", .slow(200, pieces: ["a", "b", "c"], milliseconds: 200)) : .status(200)
    }

    /// 207: bad ones are refused, some are to come again.
    private func partial(_ items: [Arrival], _ number: Int) -> ScriptedAnswer {
        let statuses = items.map { Self.isBad($0.value) ? 422 : $0.value % 5 == number % 5 ? 503 : 200 }
        arrive(zip(items, statuses).filter { $0.1 == 200 }.map(\.0))
        let shape = number % 2 == 0 ? statuses.map { "{\"status\":\($0)}" } : statuses.enumerated().filter { $0.1 != 200 }.map { "{\"index\":\($0.0),\"status\":\($0.1)}" }
        return given("207", .status(207, body: "{\"\(number % 2 == 0 ? "items" : "errors")\":[\(shape.joined(separator: ","))]}"))
    }

    private func arrive(_ items: [Arrival]) {
        state.withLock { state in
            state.arrivals += items
            for item in items {
                state.values.insert(item.value)
                state.arrived.insert(item.place)
            }
        }
    }

    private static func httpDate(secondsFromNow seconds: Int) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.string(from: Date(timeIntervalSinceNow: Double(seconds)))
    }
}
