/// Connect's `RegexRouter`: gives a record another topic when the whole name of its topic matches.
final class RegexRouter: Transform {
    private var expression: RegularExpression?
    private var replacementText = ""
    private var replacement: Result<RegularReplacement, SettingError>?
    /// The answers of topics met before: a connector has few of them.
    private var routes: [Name: Name] = [:]
    private static let mostRoutes = 1000

    func configure(_ config: Config) throws {
        let expression = try config.value(RegexRouterSettings.regex)
        let text = try config.value(RegexRouterSettings.replacement)
        self.expression = expression
        replacementText = text
        // A group that does not exist is the fault of the records it would be needed for, as in Connect.
        replacement = Result { () throws(SettingError) in try RegularReplacement(text, of: expression) }
        routes = [:]
    }

    func apply(_ record: inout Record) throws -> TransformResult {
        if let known = routes[record.topic] {
            record.topic = known
            return .keep
        }
        let route = try self.route(record.topic)
        if routes.count >= RegexRouter.mostRoutes { routes.removeAll() }
        routes[record.topic] = route
        record.topic = route
        return .keep
    }

    func topic(after topic: Name) -> Name { (try? route(topic)) ?? topic }

    private func route(_ topic: Name) throws -> Name {
        guard let expression, let replacement else { return topic }
        do throws(SettingError) {
            guard try expression.matches(topic.text) else { return topic }
            return Name(try replacement.get().replacingFirst(expression, in: topic.text))
        } catch {
            throw DataErrors.invalid("the topic \(topic) cannot be renamed to '\(replacementText)': \(error.message)", suggestion: "correct the transform's regex or replacement")
        }
    }
}

enum RegexRouterSettings {
    static let regex = PatternSetting.required("regex", allowEmpty: true, "Regular expression that the whole topic name must match.")
    static let replacement = Setting<String>.string("replacement", importance: .high, "Replacement text; $1 stands for the first group.")
    static let definition = ConfigDefinition().group(nil, regex, replacement)
}

/// A setting that is a regular expression.
enum PatternSetting {
    static func required(_ name: Name, allowEmpty: Bool, _ documentation: String) -> Setting<RegularExpression> {
        Setting<RegularExpression>(name, .string, importance: .high, documentation) { (text: String) throws(SettingError) -> RegularExpression in
            if text.isEmpty, !allowEmpty { throw SettingError("String must be non-empty") }
            do throws(SettingError) {
                return try RegularExpression(text)
            } catch {
                throw SettingError("Invalid regex: \(error.message)")
            }
        }
    }
}
