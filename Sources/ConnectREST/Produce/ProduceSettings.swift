public import ConnectRuntime

/// How the door for records from outside is set up: off unless somebody says so, and never without a secret of its own.
public struct ProduceSettings: Sendable {
    /// Topics that may be written to; they are made when they are missing.
    let topics: Set<Name>
    let credentials: [ProduceCredential]

    private enum Key {
        static let enabled = Setting<Bool>.boolean("webhook.enabled", default: false, "Whether POST /topics/TOPIC takes records.")
        static let topics = Setting<[String]>.list("webhook.topics", "The topics it may write to.")
        static let token = Setting<Secret?>.password("webhook.token", "What a client sends as Authorization: Bearer TOKEN.")
        static let user = Setting<String?>.optionalString("webhook.user", "The user of a client that authenticates by Basic.")
        static let password = Setting<Secret?>.password("webhook.password", "That user's password.")
    }

    public static let definition = ConfigDefinition().group("Webhook", Key.enabled, Key.topics, Key.token, Key.user, Key.password)

    /// Shorter secrets can be guessed over the network.
    private static let shortestSecret = 8

    /// Reads a worker's settings, references resolved.
    /// - Returns: `nil` when the door stays shut.
    /// - Throws: ``ConnectError`` of kind `.configuration` when it is to be opened to nobody, or to everybody.
    public static func read(_ map: ConfigMap) throws -> ProduceSettings? {
        let config = try definition.parsed(map)
        guard try config.value(Key.enabled) else { return nil }
        let topics = try config.value(Key.topics).filter { !$0.isEmpty }
        if topics.isEmpty {
            throw ConnectError(.configuration, code: "webhook.topics", "webhook.enabled is true and webhook.topics names no topic", suggestion: "name the topics that may be written to")
        }
        var credentials: [ProduceCredential] = []
        if let token = try config.value(Key.token) { credentials.append(.bearer(token)) }
        switch (try config.value(Key.user), try config.value(Key.password)) {
        case (let user?, let password?): credentials.append(.basic(user: user, password))
        case (nil, nil): break
        default: throw ConnectError(.configuration, code: "webhook.user", "webhook.user and webhook.password need each other")
        }
        if credentials.isEmpty {
            throw ConnectError(.configuration, code: "webhook.authorization", "webhook.enabled is true and nobody could be told apart", suggestion: "set webhook.token, or webhook.user and webhook.password")
        }
        if credentials.contains(where: { $0.secret.reveal().utf8.count < shortestSecret }) {
            throw ConnectError(.configuration, code: "webhook.authorization", "the secret of the webhook door is shorter than \(shortestSecret) bytes", suggestion: "openssl rand -hex 32 makes a good one")
        }
        return ProduceSettings(topics: Set(topics.map { Name($0) }), credentials: credentials)
    }
}
