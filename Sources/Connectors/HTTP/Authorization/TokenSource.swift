import ConnectRuntime
import Curl
import Synchronization

/// Fetches OAuth2 tokens (client credentials), once per process for each client: tasks share a source and its token.
package final class TokenSource: Sendable {
    package struct Client: Sendable, Hashable {
        let url: String
        let id: String
        let secret: Secret
        let scope: String?
        let mode: HttpSettings.ClientMode
        let property: Name
    }

    private let client: Client
    private let shown: String
    private struct State {
        var token: AccessToken?
        var versions = 0
    }
    /// Held while a token is fetched, so that the others wait for it instead of fetching their own; the exchange has a deadline.
    private let state = Mutex(State())

    private static let sources = Mutex<[Client: TokenSource]>([:])
    /// Clients that are remembered; beyond it all are forgotten and fetch anew.
    private static let sourceLimit = 256

    private init(_ client: Client) {
        self.client = client
        shown = CurlURL(client.url)?.shown ?? "the token endpoint"
    }

    /// Where tokens come from.
    var url: String { client.url }

    package static func shared(_ client: Client) -> TokenSource {
        sources.withLock { sources in
            if let known = sources[client] { return known }
            if sources.count >= sourceLimit { sources.removeAll() }
            let source = TokenSource(client)
            sources[client] = source
            return source
        }
    }

    /// A token that is good now. Blocks while one is fetched, at most the request's timeout.
    /// - Parameter refused: the version of a token that the server did not take; only that very one is replaced.
    /// - Throws: ``ConnectError``: `.retriable` when the endpoint does not answer, `.fatal` when it refuses the client.
    func token(refused: Int? = nil, options: CurlOptions, now: Int64) throws -> AccessToken {
        try state.withLock { state in
            if let token = state.token, token.version != refused, now < token.expiresAt {
                if now < token.renewAt { return token }
                // Renewing early may fail without harm.
                if let newer = try? fetch(&state, options, now) { return newer }
                return token
            }
            return try fetch(&state, options, now)
        }
    }

    private func fetch(_ state: inout State, _ options: CurlOptions, _ now: Int64) throws -> AccessToken {
        var form = "grant_type=client_credentials"
        var headers = ["Content-Type: application/x-www-form-urlencoded", "Accept: application/json"]
        let id = PlaceText.percentEncoded(client.id), secret = PlaceText.percentEncoded(client.secret.reveal())
        switch client.mode {
        case .header: headers.append("Authorization: Basic \(Base64.standard(Array("\(id):\(secret)".utf8)))")
        case .url: form += "&client_id=\(id)&client_secret=\(secret)"
        }
        if let scope = client.scope { form += "&scope=\(PlaceText.percentEncoded(scope))" }
        let answer: CurlResponse
        do throws(CurlError) {
            answer = try CurlEasy(options).perform(CurlRequest(method: "POST", url: client.url, headers: headers, body: Array(form.utf8)))
        } catch {
            let isForGood = error.kind == .trust || error.kind == .local
            throw ConnectError(isForGood ? .fatal : .retriable, code: "http.oauth2", "no token from \(shown): \(error)")
        }
        guard (200...299).contains(answer.status) else {
            let isForGood = (400...499).contains(answer.status) && ![408, 425, 429].contains(answer.status)
            throw ConnectError(
                isForGood ? .fatal : .retriable, code: "http.oauth2", "no token from \(shown): it answered \(answer.status)",
                suggestion: isForGood ? "check oauth2.client.id, oauth2.client.secret and oauth2.client.scope" : nil)
        }
        state.versions += 1
        let token = try AccessToken.read(answer.body, property: client.property, version: state.versions, now: now, from: shown)
        state.token = token
        return token
    }
}
