/// Which topics connectors use (KIP-558).
extension StandaloneHerder {
    public func topics(_ connector: Name) throws(HerderError) -> [Name] {
        guard parts.settings.tracksTopics else { throw HerderError(.forbidden, "Topic tracking is disabled.") }
        return statuses.topics(of: connector)
    }

    public func resetTopics(_ connector: Name) throws(HerderError) {
        guard parts.settings.tracksTopics else { throw HerderError(.forbidden, "Topic tracking is disabled.") }
        guard parts.settings.resetsTopics else { throw HerderError(.forbidden, "Topic tracking reset is disabled.") }
        statuses.forgetTopics(of: connector)
    }
}
