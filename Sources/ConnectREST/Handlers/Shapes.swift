import ConnectRuntime

/// The herder's values in the JSON of Connect's answers.
func taskID(_ connector: Name, _ task: Int) -> JSON {
    .object([JSON.Member("connector", .string(connector.text)), JSON.Member("task", .integer(Int64(task)))])
}

extension ConnectorInfo {
    var json: JSON {
        .object([
            JSON.Member("name", .string(name.text)), JSON.Member("config", config.json),
            JSON.Member("tasks", .array(tasks.map { taskID(name, $0) })), JSON.Member("type", .string(type.rawValue)),
        ])
    }
}

extension ConnectorStatus {
    var json: JSON {
        .object([
            JSON.Member("name", .string(name.text)), JSON.Member("connector", connector.json),
            JSON.Member("tasks", .array(tasks.map(\.json))), JSON.Member("type", .string(type.rawValue)),
        ])
    }
}

extension ConnectorStatus.Part {
    /// `trace` and `version` stand only where there is one: generated clients take neither null.
    var json: JSON {
        var members: [JSON.Member] = []
        if let task { members.append(JSON.Member("id", .integer(Int64(task)))) }
        members.append(JSON.Member("state", .string(status.state.rawValue)))
        members.append(JSON.Member("worker_id", .string(status.workerID)))
        if let version = status.version { members.append(JSON.Member("version", .string(version))) }
        if let trace = status.trace, !trace.isEmpty { members.append(JSON.Member("trace", .string(trace))) }
        return .object(members)
    }
}

extension SettingKey {
    var json: JSON {
        .object([
            JSON.Member("name", .string(name.text)), JSON.Member("type", .string(type.rawValue)),
            JSON.Member("required", .boolean(isRequired)), JSON.Member("default_value", text(shownDefault)),
            JSON.Member("importance", .string(importance.rawValue)), JSON.Member("documentation", .string(documentation)),
            JSON.Member("group", text(group)), JSON.Member("order_in_group", .integer(Int64(order))),
            JSON.Member("width", .string(width.rawValue)), JSON.Member("display_name", .string(displayName)),
            JSON.Member("dependents", .array(dependents.map { .string($0.text) })),
        ])
    }

    private var shownDefault: String? { type == .password && defaultText != nil ? Secret.hidden : defaultText }
}

extension ConfigReport.Item {
    var json: JSON {
        .object([
            JSON.Member("definition", definition?.json ?? .null),
            JSON.Member(
                "value",
                .object([
                    JSON.Member("name", .string(name.text)), JSON.Member("value", text(value)),
                    JSON.Member("recommended_values", .array((definition?.recommended ?? []).map { .string($0) })),
                    JSON.Member("errors", .array(errors.map { .string($0) })), JSON.Member("visible", .boolean(true)),
                ])),
        ])
    }
}

extension ConfigReport {
    var json: JSON {
        .object([
            JSON.Member("name", .string(className)), JSON.Member("error_count", .integer(Int64(errorCount))),
            JSON.Member("groups", .array(groups.map { .string($0) })), JSON.Member("configs", .array(items.map(\.json))),
        ])
    }
}

extension ConfigProblem {
    var json: JSON {
        .object([
            JSON.Member("code", .string(code)), JSON.Member("setting", .string(setting.text)), JSON.Member("message", .string(message)),
            JSON.Member("suggestion", text(suggestion)),
        ])
    }
}

private func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
