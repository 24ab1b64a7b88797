import ConnectRuntime
import ConnectTesting
import Testing

@Suite struct ValidatorRuleTests {
    private static let validator = ConfigValidator(
        catalogue: PluginCatalogue([SinkScript().plugin, SourceScript(topic: "t", values: []).plugin] + BuiltInConverters.plugins + BuiltInTransforms.plugins),
        references: ReferenceResolver(Environment(["PW": "geheim"])))

    private func problems(_ more: KeyValuePairs<Name, String>) throws -> [ConfigProblem] {
        var map: ConfigMap = ConfigMap(["name": "x", "connector.class": "ScriptedSink", "topics": "t"])
        for (name, value) in more { map[name] = .some(value) }
        return Self.validator.report(try Self.validator.plugin(map), map).problems
    }

    @Test func unknownKeysAreWarnedOfWithTheNearest() throws {
        let found = try problems(["eror.tolerance": "all", "labl": "x"])
        #expect(found.map(\.setting) == ["eror.tolerance", "labl"])
        #expect(found.allSatisfy { $0.isWarning && $0.code == "config.unknown_key" })
        #expect(found[1].suggestion == "did you mean \"label\"?")
    }

    @Test func familiesOfKeysAreNotUnknown() throws {
        let found = try problems([
            "transforms": "r", "transforms.r.type": "RegexRouter", "transforms.r.regex": "a", "transforms.r.replacement": "b",
            "value.converter": "JsonConverter", "value.converter.schemas.enable": "false",
        ])
        #expect(found.isEmpty)
    }

    @Test func overridesOfKafkasClientsAreHonouredOrNoted() throws {
        #expect(try problems(["consumer.override.auto.offset.reset": "latest", "consumer.override.group.id": "g"]).isEmpty)
        let noted = try problems(["consumer.override.max.poll.records": "5", "producer.override.acks": "all"])
        #expect(noted.map(\.code) == ["config.client_override", "config.client_override"])
        #expect(noted.allSatisfy { $0.isWarning })
        let wrong = try problems(["consumer.override.auto.offset.reset": "newest"])
        #expect(wrong.map(\.code) == ["config.invalid_value"] && !wrong[0].isWarning)
        #expect(wrong[0].message.contains("earliest, latest, none"))
    }

    @Test func namesThatWereSentTwiceAreSaid() throws {
        let json = try JSON.parse(#"{"name":"x","connector.class":"ScriptedSink","topics":"t","label":"a","label":"b","label":"c"}"#, duplicateNames: .lastWins)
        let map = try ConfigMap(json: json)
        #expect(map.text("label") == "c")
        let found = Self.validator.report(try Self.validator.plugin(map), map).problems
        #expect(found.map(\.code) == ["json.duplicate_name"] && found[0].isWarning && found[0].setting == "label")
    }

    @Test func aMisspeltKeyOfATransformIsFound() throws {
        let found = try problems([
            "transforms": "r", "transforms.r.type": "RegexRouter", "transforms.r.regex": "a", "transforms.r.replacement": "b", "transforms.r.regx": "c",
        ])
        #expect(found.map(\.setting) == ["transforms.r.regx"])
        #expect(found[0].suggestion == "did you mean \"transforms.r.regex\"?")
    }

    @Test func toleranceWithoutLettersIsSaid() throws {
        #expect(try problems(["errors.tolerance": "all"]).map(\.code) == ["errors.skipped_without_dead_letters"])
        #expect(try problems(["errors.tolerance": "all", "errors.deadletterqueue.topic.name": "d"]).isEmpty)
        #expect(try problems(["errors.deadletterqueue.topic.name": "d"]).map(\.code) == ["errors.dead_letters_without_tolerance"])
    }

    @Test func lettersMustNotBeConsumedAgain() throws {
        #expect(try problems(["errors.deadletterqueue.topic.name": "t"]).contains { $0.code == "config.dead_letter_loop" && !$0.isWarning })
    }

    @Test func anUnknownReferenceIsNamedAndNoSecretIsShown() throws {
        #expect(try problems(["connection.password": "${env:NOPE}"]).first?.code == "env.undefined")
        let map = ConfigMap(["name": "x", "connector.class": "ScriptedSink", "topics": "t", "connection.password": "${env:PW}", "connection.url": "pg://u:pw@h/d"])
        let report = Self.validator.report(try Self.validator.plugin(map), map)
        #expect(report.items.first { $0.name == "connection.password" }?.value == "[hidden]")
        #expect(report.items.first { $0.name == "connection.url" }?.value == "pg://u:[hidden]@h/d")
    }
}
