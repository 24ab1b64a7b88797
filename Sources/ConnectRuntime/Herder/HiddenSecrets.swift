/// Shows configurations without their secrets, and understands them when they come back (D12): a pure set of rules.
///
/// Hidden are values of password-typed settings, of unknown settings named like secrets, secrets inside URLs, and the values of headers
/// that show who sends. References
/// (`${env:X}`) are no secrets and are echoed as written.
package struct HiddenSecrets: Sendable {
    private let definition: ConfigDefinition

    /// - Parameter definition: every setting that is declared for the connector, converters and transforms included.
    package init(_ definition: ConfigDefinition) { self.definition = definition }

    package func hide(_ map: ConfigMap) -> ConfigMap {
        ConfigMap(map.entries.map { ConfigMap.Entry($0.name, $0.value.map { [name = $0.name] in hide(name, $0) }) })
    }

    package func hide(_ name: Name, _ text: String) -> String {
        if isSecret(name) { return ReferenceResolver.isOnlyReferences(text) ? text : Secret.hidden }
        if HeaderSecret.isHeaderList(name) {
            let bytes = Array(text.utf8)
            return HiddenRanges.hide(bytes, HeaderSecret.ranges(bytes))
        }
        return URLPassword.hide(text)
    }

    private func restored(_ name: Name, _ text: String, from old: String) -> String? {
        if HeaderSecret.isHeaderList(name) {
            let bytes = Array(text.utf8), oldBytes = Array(old.utf8)
            return HiddenRanges.restore(bytes, HeaderSecret.ranges(bytes), from: oldBytes, HeaderSecret.ranges(oldBytes))
        }
        return URLPassword.restore(text, from: old)
    }

    private func isSecret(_ name: Name) -> Bool {
        if let key = definition.key(for: name) { return key.type == .password }
        let words = String(name.text.lowercased().map { $0 == "_" || $0 == "-" ? "." : $0 })
        return Self.secretWords.contains { words.contains($0) }
            || words.split(separator: ".").contains { $0 == "pass" || $0 == "pwd" }
    }

    private static let secretWords = ["password", "passwd", "passphrase", "secret", "token", "credential", "api.key", "apikey", "access.key", "accesskey", "private.key", "jaas.config"]

    /// Puts stored secrets where a configuration that was read back says `[hidden]`.
    /// - Throws: ``HerderError`` `.badRequest` naming the key where nothing is stored, or where the class or a host is another one.
    package func restore(_ map: ConfigMap, from stored: ConfigMap?) throws(HerderError) -> ConfigMap {
        var restored = map
        for entry in map.entries {
            guard let text = entry.value, text.contains(Secret.hidden) else { continue }
            guard let stored, let old = stored.text(entry.name), hide(entry.name, old).contains(Secret.hidden) else {
                throw HerderError(.badRequest, "\"\(entry.name)\" is \(Secret.hidden), but no secret is stored for it: send the value, or a reference such as ${env:NAME}")
            }
            if map.text("connector.class") != stored.text("connector.class") {
                throw HerderError(.badRequest, "\"\(entry.name)\" is \(Secret.hidden), but connector.class is another one than the stored: send the value again")
            }
            if let host = changedHost(map, stored) {
                throw HerderError(.badRequest, "\"\(entry.name)\" is \(Secret.hidden), but \"\(host)\" names another host than the stored configuration: send the value again")
            }
            if equalBytes(text, Secret.hidden) {
                restored[entry.name] = .some(old)
            } else if let whole = self.restored(entry.name, text, from: old) {
                restored[entry.name] = .some(whole)
            } else {
                throw HerderError(.badRequest, "\"\(entry.name)\" holds \(Secret.hidden) in a place where the stored value has no password: send the value again")
            }
        }
        return restored
    }

    /// A setting that says where to connect and says so differently.
    private func changedHost(_ map: ConfigMap, _ stored: ConfigMap) -> Name? {
        for name in Set(map.names + stored.names).sorted() {
            let old = stored.text(name), new = map.text(name)
            let isHost = name.text.lowercased().contains("host")
            if isHost, old != new { return name }
            if URLPassword.host(old ?? "") != URLPassword.host(new ?? "") { return name }
        }
        return nil
    }
}
