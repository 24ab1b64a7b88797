package import ConnectRuntime

/// How requests show who sends them.
package enum Authorization: Sendable {
    case none
    /// One header line that never changes.
    case fixed(Secret)
    /// A parameter at the end of every URL: `name=value`, encoded.
    case query(Secret)
    case oauth2(TokenSource)

    /// - Throws: ``SettingError`` and the setting to blame when something is missing.
    package init(_ config: Config) throws {
        typealias Key = HttpSecuritySettings
        func need<T>(_ setting: Setting<T?>, _ type: String) throws -> T {
            guard let value = try config.value(setting) else {
                throw AuthorizationProblem(setting: setting.name, message: "is needed where http.authorization.type is \(type)")
            }
            return value
        }
        func line(_ name: String, _ value: String, _ setting: Name) throws -> Authorization {
            guard HeaderText.isName(name), HeaderText.isValue(value) else {
                throw AuthorizationProblem(setting: setting, message: "cannot stand in a header: it holds a line break or another control character")
            }
            return .fixed(Secret("\(name): \(value)"))
        }
        switch try config.value(Key.type) {
        case .none: self = .none
        // The certificate shows who sends; the setting says that there is one.
        case .ssl:
            _ = try need(Key.certificate, "ssl")
            self = .none
        case .static: self = try line("Authorization", need(Key.header, "static").reveal(), Key.header.name)
        case .basic:
            let user = try need(Key.user, "basic"), password = try need(Key.password, "basic")
            if user.utf8.contains(UInt8(ascii: ":")) { throw AuthorizationProblem(setting: Key.user.name, message: "must not hold a colon") }
            self = .fixed(Secret("Authorization: Basic \(Base64.standard(Array("\(user):\(password.reveal())".utf8)))"))
        case .bearer: self = try line("Authorization", "Bearer \(need(Key.token, "bearer").reveal())", Key.token.name)
        case .apikey:
            let name = try config.value(Key.keyName), value = try need(Key.key, "apikey").reveal()
            switch try config.value(Key.keyPlace) {
            case .header: self = try line(name, value, Key.key.name)
            case .query: self = .query(Secret("\(PlaceText.percentEncoded(name))=\(PlaceText.percentEncoded(value))"))
            }
        case .oauth2:
            let client = TokenSource.Client(
                url: try need(Key.tokenURL, "oauth2"), id: try need(Key.clientID, "oauth2"), secret: try need(Key.clientSecret, "oauth2"),
                scope: try config.value(Key.scope), mode: try config.value(Key.clientMode), property: Name(try config.value(Key.tokenProperty)))
            self = .oauth2(TokenSource.shared(client))
        }
    }
}

/// What is wrong with the settings of authorization; never holds a secret.
package struct AuthorizationProblem: Error, Sendable {
    package let setting: Name
    package let message: String
}
