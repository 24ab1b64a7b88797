import ConnectREST
import ConnectRuntime
import Synchronization

/// The demonstration's own HTTP endpoint: takes every change as a POST of its own, and counts by idempotency key.
final class ShopWebhook: RequestHandler {
    private let state = Mutex((keys: Set<String>(), deletions: Set<String>(), requests: 0))

    /// Changes received, each counted once however often it came; and requests.
    var received: (changes: Int, deletions: Int, requests: Int) { state.withLock { ($0.keys.count, $0.deletions.count, $0.requests) } }

    func respond(method: String, rawTarget: String, headers: Headers, body: [UInt8]) -> Response {
        guard method == "POST", let key = headers["Idempotency-Key"], let change = try? JSON.parse(body) else {
            return .error(400, "A change is expected, with its Idempotency-Key")
        }
        state.withLock { state in
            state.requests += 1
            state.keys.insert(key)
            if change["op"]?.text == "d" { state.deletions.insert(key) }
        }
        return .empty(204)
    }
}
