import ConnectRuntime
import ConnectTesting
import Testing

/// P10: a configuration that is read back shows no secret, and sent back unchanged it keeps them.
@Suite struct HiddenSecretsTests {
    private let secrets = HiddenSecrets(SinkScript().plugin.definition)
    private let stored = ConfigMap([
        "connector.class": "ScriptedSink", "connection.password": "s3cret", "connection.url": "jdbc:postgresql://app:pä:ß@db:5432/shop?sslmode=off&password=x1",
        "my.api.key": "k", "label": "plain", "database.hostname": "h1",
    ])

    @Test(arguments: [
        ("postgresql://app:s3@h/d", "postgresql://app:[hidden]@h/d"), ("postgresql://app@h/d", "postgresql://app@h/d"),
        ("http://h:80/a?token=abc&x=1", "http://h:80/a?token=[hidden]&x=1"), ("no url: at all", "no url: at all"),
        ("postgresql://app:${env:PW}@h/d", "postgresql://app:${env:PW}@h/d"), ("postgresql://a:b@c:p/w@h/d", "postgresql://a:[hidden]@h/d"),
        ("jdbc:sqlserver://h;user=a;password=b;x=1", "jdbc:sqlserver://h;user=a;password=[hidden];x=1"), ("://", "://"), ("a://", "a://"),
        ("https://h/hook?api_key=abc&x=1", "https://h/hook?api_key=[hidden]&x=1"), ("https://h/f?code=abc", "https://h/f?code=[hidden]"), ("https://h/f?sv=1&sig=a%2Fb", "https://h/f?sv=1&sig=[hidden]"),
        ("https://h/f?keyboard=de", "https://h/f?keyboard=de"), ("https://h/f?key=${env:K}", "https://h/f?key=${env:K}"),
        ("postgresql://app:${env:PW:-dflt}x@h", "postgresql://app:[hidden]@h"), ("sqlite:s.db?password=hunter2", "sqlite:s.db?password=[hidden]"),
        // Passwords that nobody encoded, and URLs that are none.
        ("jdbc:postgresql://h/d?password=a#b;c&x=1", "jdbc:postgresql://h/d?password=[hidden]&x=1"), ("postgres://h/d?password=a&b&x=1", "postgres://h/d?password=[hidden]&x=1"),
        ("https://h/f?token=a#part", "https://h/f?token=[hidden]#part"), ("postgresql://h/d?pass%77ord=a", "postgresql://h/d?pass%77ord=[hidden]"),
        ("postgresql://u:p?q@h/d", "postgresql://u:[hidden]@h/d"), ("postgresql://u:12?q@h/d?x=1", "postgresql://u:[hidden]@h/d?x=1"), ("postgresql://u:p#q@h/d", "postgresql://u:[hidden]@h/d"),
        ("http://h:80/f?mail=a@b", "http://h:80/f?mail=a@b"), ("jdbc:postgresql://h:1,i:2/d?user=a@b&password=c", "jdbc:postgresql://h:1,i:2/d?user=a@b&password=[hidden]"),
        ("http://h:${env:PORT}/a", "http://h:${env:PORT}/a"), ("postgresql://[::1]:5/d", "postgresql://[::1]:5/d"), ("postgresql://[::1]/d", "postgresql://[::1]/d"),
        ("postgresql:u:p@h/d", "postgresql:u:[hidden]@h/d"), ("postgresql:/u:p:q@h/d", "postgresql:/u:[hidden]@h/d"), ("u:p@h/d", "u:[hidden]@h/d"), ("//u:p@h", "//u:[hidden]@h"),
        ("jdbc:oracle:thin:u/p@//h:1521/d", "jdbc:oracle:thin:[hidden]@//h:1521/d"), ("sqlite:shop@2.db", "sqlite:shop@2.db"), ("ask a: b@c", "ask a: b@c"),
    ])
    func urls(_ text: String, _ shown: String) throws {
        #expect(secrets.hide("connection.url", text) == shown)
        let stored = ConfigMap(["connector.class": "ScriptedSink", "connection.url": text])
        #expect(try secrets.restore(secrets.hide(stored), from: stored) == stored)
    }

    @Test(arguments: [
        ("X-A:b,Authorization:Bearer s3cret,X-C:d", "X-A:b,Authorization:Bearer [hidden],X-C:d"), ("Authorization: Bearer ${env:T}", "Authorization: Bearer ${env:T}"),
        ("x-api-key: s3cret|X-A: b", "x-api-key: [hidden]|X-A: b"), ("X-Auth-Token:s3cret", "X-Auth-Token:[hidden]"), ("Cookie: a=b; c=d", "Cookie: [hidden]"), ("", ""), (",:,|", ",:,|"),
    ])
    func headersThatShowWhoSends(_ text: String, _ shown: String) throws {
        #expect(secrets.hide("http.headers.additional", text) == shown)
        let stored = ConfigMap(["connector.class": "ScriptedSink", "headers": text])
        #expect(try secrets.restore(secrets.hide(stored), from: stored) == stored)
    }

    @Test(arguments: ["api_key", "access-key", "db.pwd", "smtp.pass", "API-KEY", "my.secret"] as [Name])
    func unknownSettingsNamedLikeSecretsAreHidden(_ name: Name) { #expect(secrets.hide(name, "hunter2") == "[hidden]") }

    @Test(arguments: ["compass", "bypass.cache", "passenger.table"] as [Name])
    func otherNamesAreNot(_ name: Name) { #expect(secrets.hide(name, "x") == "x") }

    @Test func wordsOfARefusalShowNoPassword() {
        let definition = ConfigDefinition().group(nil, Setting<Int>.int("port", "A port."))
        let (_, problems) = definition.parse(ConfigMap(["port": "postgres://u:hunter2@h/db"]))
        #expect(problems.count == 1 && !problems[0].message.contains("hunter2"))
    }

    @Test func whatIsShown() {
        let shown = secrets.hide(stored)
        #expect(shown.text("connection.password") == "[hidden]")
        #expect(shown.text("my.api.key") == "[hidden]")
        #expect(shown.text("label") == "plain")
        #expect(shown.text("connection.url") == "jdbc:postgresql://app:[hidden]@db:5432/shop?sslmode=off&password=[hidden]")
        #expect(secrets.hide("connection.password", "${env:PW}") == "${env:PW}")
        // Where it is not known what is the host, sent back it is refused.
        #expect(secrets.hide("connection.url", "postgresql://u:pw") == "postgresql://u:[hidden]")
    }

    @Test func sentBackTheyAreKept() throws {
        #expect(try secrets.restore(secrets.hide(stored), from: stored) == stored)
        var changed = secrets.hide(stored)
        changed["label"] = .some("other")
        changed["connection.password"] = .some("new")
        let restored = try secrets.restore(changed, from: stored)
        #expect(restored.text("connection.password") == "new" && restored.text("my.api.key") == "k")
    }

    @Test(arguments: [
        ("connector.class", "Other"), ("connection.url", "jdbc:postgresql://app:[hidden]@evil:5432/shop?sslmode=off&password=[hidden]"), ("database.hostname", "evil"),
    ] as [(Name, String)])
    func withAnotherTargetTheyAreNot(_ name: Name, _ value: String) {
        var changed = secrets.hide(stored)
        changed[name] = .some(value)
        #expect(throws: HerderError.self) { try secrets.restore(changed, from: stored) }
    }

    @Test func withoutAStoredOneTheKeyIsNamed() {
        do {
            _ = try secrets.restore(ConfigMap(["connection.password": "[hidden]"]), from: nil)
            Issue.record("took [hidden] for a secret")
        } catch {
            #expect(error.kind == .badRequest && error.message.contains("connection.password"))
        }
    }
}
