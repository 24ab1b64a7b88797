public import ConnectRuntime

/// Kafka Connect's REST API and ours beside it, as a function from request to response. Knows nothing of sockets.
///
/// Thread-safe; a call takes as long as the herder does.
public struct RestAPI: RequestHandler {
    let herder: any Herder
    let log: any TopicLog
    let browserGuard: BrowserGuard
    let version: String
    /// `nil` while nobody has opened it.
    let produceDoor: ProduceDoor?
    let end = EndOfWaiting()

    /// The Kafka Connect whose behaviour is followed: clients read integers here and gate features on them.
    public static let connectVersion = "4.3.1"

    /// - Parameter version: connectd's own.
    public init(herder: any Herder, log: any TopicLog, browserGuard: BrowserGuard, version: String, produceDoor: ProduceDoor? = nil) {
        self.herder = herder
        self.log = log
        self.browserGuard = browserGuard
        self.version = version
        self.produceDoor = produceDoor
    }

    public func endWaiting() { end.set() }

    /// The answer to a request whose method or target could not be read: a method nobody knows is refused like a known one that does not fit.
    public func respond(method: String, rawTarget: String, headers: Headers, body: [UInt8]) -> Response {
        let target: Target
        do throws(Target.Malformed) {
            target = try Target(raw: rawTarget)
        } catch {
            return .error(400, error.message)
        }
        guard let known = Method(rawValue: method) else {
            switch Router.match(target.segments) {
            case .notFound: return .refusal(404)
            case .found(.produce) where produceDoor == nil: return .refusal(404)
            default: break
            }
            return .refusal(405)
        }
        return respond(to: Request(method: known, target: target, headers: headers, body: body))
    }

    /// The answer to a request; every error is one, nothing is thrown.
    public func respond(to request: Request) -> Response {
        if let refusal = browserGuard.refusal(request.headers) { return .error(403, refusal) }
        let route: Route
        switch Router.match(request.target.segments) {
        case .notFound: return .refusal(404)
        case .noSuchValue: return .noSuchValue
        case .found(let found): route = found
        }
        // It has media types, errors and a lock of its own.
        if case .produce(let topic) = route { return produce(topic, request) }
        if request.method == .options { return Self.options(route) }
        let method = request.method == .head ? .get : request.method
        guard route.methods.contains(method) else { return .refusal(405) }
        if !method.isSafe, !MediaTypes.isJSON(contentType: request.headers["Content-Type"]) { return .refusal(415) }
        guard MediaTypes.acceptsJSON(accept: request.headers["Accept"]) else { return .refusal(406) }
        do {
            return try answer(route, method, request)
        } catch let error as HerderError {
            return .error(error.status, error.message)
        } catch let error as BadRequest {
            return .error(400, error.message)
        } catch let error as LogError {
            return .error(error.status, error.message + (error.suggestion.map { ". \($0)" } ?? ""))
        } catch {
            return .error(500, ConnectError(error).message)
        }
    }

    private func answer(_ route: Route, _ method: Method, _ request: Request) throws -> Response {
        switch route {
        case .root: return root()
        case .health: return health()
        case .healthz: return healthz()
        case .readyz: return readyz()
        case .connectors: return method == .get ? try list(request) : try create(request)
        case .connector(let name): return method == .get ? try info(name) : try remove(name)
        case .config(let name): return try config(name, method, request)
        case .status(let name): return try status(name)
        case .tasks(let name): return try tasks(name)
        case .taskStatus(let name, let task): return try taskStatus(name, task)
        case .taskRestart(let name, let task): return try restartTask(name, task)
        case .offsets(let name): return try offsets(name, method, request)
        case .usedTopics(let name): return try usedTopics(name)
        case .usedTopicsReset(let name): return try resetUsedTopics(name)
        case .pause(let name): return try setState(name, .paused, answer: 202)
        case .resume(let name): return try setState(name, .started, answer: 202)
        case .stop(let name): return try setState(name, .stopped, answer: 204)
        case .restart(let name): return try restart(name, request)
        case .plugins: return plugins(request)
        case .pluginConfig(let name): return try pluginConfig(name)
        case .pluginValidate(let name): return try validate(name, request)
        case .notes: return try notes()
        case .connectorNotes(let name): return try notes(name)
        case .topics: return try topics()
        case .topic(let name): return try topic(name)
        case .records(let name): return try records(name, request)
        case .produce(let topic): return produce(topic, request)
        case .groupOffsets(let name): return method == .get ? try groupOffsets(name) : try alterGroupOffsets(name, request)
        }
    }

    private static func options(_ route: Route) -> Response {
        let methods = route.allowed.map(\.rawValue)
        return Response(
            200, headers: Headers(["Allow": methods.joined(separator: ","), "Content-Type": "text/plain"]),
            body: Array(methods.joined(separator: ", ").utf8))
    }
}

/// What the client got wrong, in a sentence for it.
struct BadRequest: Error {
    let message: String
}

extension HerderError {
    var status: Int {
        switch kind {
        case .badRequest: 400
        case .forbidden: 403
        case .notFound: 404
        case .alreadyExists, .conflict: 409
        case .timeout, .internalError: 500
        case .unavailable: 503
        }
    }
}

extension LogError {
    var status: Int {
        switch kind {
        case .unknownTopic: 404
        case .invalid, .offsetOutOfRange: 400
        case .fenced: 409
        case .retriable, .abortable: 503
        case .damaged, .fatal: 500
        }
    }
}
