internal import CMicrohttpd
import ConnectRuntime
import Synchronization

/// What the C library's callbacks work on.
final class ServerCore: Sendable {
    let api = Mutex<(any RequestHandler)?>(nil)
    let limits: ServerLimits
    private let handlers: HandlerPool
    private let longPolls: HandlerPool
    private let running = Mutex<[ObjectIdentifier: Suspended]>([:])
    private let allAnswered = ThreadCondition()

    /// `@unchecked Sendable`: a connection handle may be resumed from any thread, once, while it is suspended.
    struct Suspended: @unchecked Sendable {
        let exchange: Exchange
        let connection: OpaquePointer
    }

    init(limits: ServerLimits) {
        self.limits = limits
        handlers = HandlerPool(threadLimit: limits.handlerThreads, queueLimit: limits.queuedRequests)
        longPolls = HandlerPool(threadLimit: limits.longPollThreads, queueLimit: limits.longPollThreads)
    }

    /// Hands a complete request, whose connection has just been suspended, to a thread of its own.
    func dispatch(_ exchange: Exchange, _ connection: OpaquePointer) {
        let suspended = Suspended(exchange: exchange, connection: connection)
        running.withLock { $0[ObjectIdentifier(exchange)] = suspended }
        guard let api = api.withLock({ $0 }) else {
            return finish(suspended, .error(503, "The worker is still starting"))
        }
        let (method, headers, body) = exchange.state.withLock { ($0.method, $0.headers, $0.body) }
        let target = exchange.rawTarget
        let isAccepted = pool(for: target).submit {
            self.finish(suspended, api.respond(method: method, rawTarget: target, headers: headers, body: body))
        }
        if !isAccepted { finish(suspended, .error(503, "The worker has too many requests waiting; try again")) }
    }

    private func pool(for rawTarget: String) -> HandlerPool {
        guard let target = try? Target(raw: rawTarget), case .found(let route) = Router.match(target.segments), route.isLongPoll else {
            return handlers
        }
        return longPolls
    }

    private func finish(_ suspended: Suspended, _ response: Response) {
        guard suspended.exchange.answer(response) else { return }
        // Resumed under the lock, so that a stop that finds nothing running finds nothing suspended either.
        running.withLock { running in
            running[ObjectIdentifier(suspended.exchange)] = nil
            MHD_resume_connection(suspended.connection)
        }
        allAnswered.broadcast()
    }

    /// Waits for answers under way, then gives up those that do not come: every suspended connection must be resumed before the server ends.
    func finish() {
        handlers.stop()
        longPolls.stop()
        api.withLock { $0 }?.endWaiting()
        _ = allAnswered.wait(milliseconds: limits.stopMilliseconds) { self.running.withLock { $0.isEmpty ? true : nil } }
        for suspended in running.withLock({ Array($0.values) }) { finish(suspended, .error(503, "The worker is stopping")) }
    }
}
