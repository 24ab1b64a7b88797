internal import ConnectRuntime
internal import Postgres

/// What is found about triggers and the change table: what stands, what is missing, and whether this role may make it. Pure.
struct ArmingFindings {
    let plan: ArmingPlan
    let mode: PostgresArming.Mode
    let options: ArmingPlan.Options
    let prunes: Bool
    let rights: CaptureRights
    let facts: [UInt32: TableFacts]
    /// What the sequence of the change numbers draws ahead; `nil` where it cannot be seen.
    let sequenceCache: Int64?

    private typealias Keys = PostgresSourceSettings

    func all() -> [CheckFinding] { missing() + reading() + disabled() + cache() + subscribed() }

    /// What arming would still have to do.
    private var statements: [String] { plan.statements(options) }

    private func missing() -> [CheckFinding] {
        let statements = statements
        if statements.isEmpty { return [] }
        let setting = Keys.arm.name
        // Whoever makes it owns it: then the connector's role needs rights of its own.
        let all = statements + CaptureRights.grants(to: rights.role, keepsReader: options.keepsReader, prunes: prunes)
        switch mode {
        case .off where plan.hasChangeTable:
            let bare = plan.tables.filter { state in !state.triggers.contains { $0.name == CaptureSQL.captureTrigger } }
            return bare.map { state in
                CheckFinding(
                    .warning, "postgres.source.not_captured", setting, "table \(state.table.display) has no trigger \(CaptureSQL.captureTrigger), and arm=off does not make it",
                    cost: "none of its changes is captured", suggestion: "let the table's owner run:", statements: ArmingFindings.alone(state).statements(options))
            }
        case .off, .check:
            return [
                CheckFinding(
                    .error, "postgres.source.not_armed", setting, "\(statements.count) things that capturing needs are missing, and arm=\(mode.rawValue) does not make them",
                    suggestion: "let the tables' owner run:", statements: all)
            ]
        case .auto:
            let lacking = lacking()
            if lacking.isEmpty {
                return [CheckFinding(.ok, "postgres.source.will_arm", setting, "triggers and tables that are missing are made at the start (\(statements.count) statements)")]
            }
            return [
                CheckFinding(
                    .error, "postgres.source.not_armed", setting, "role \(rights.role) may not arm the tables: it lacks \(lacking.joined(separator: ", "))",
                    suggestion: "let the tables' owner run:", statements: all, cause: .refused)
            ]
        }
    }

    private static func alone(_ state: ArmingPlan.TableState) -> ArmingPlan {
        ArmingPlan(hasChangeTable: true, hasReaderTable: true, currentFunctions: Set(CaptureSQL.functions.map(\.name)), tables: [state])
    }

    /// The rights that what is missing would need and this role has not.
    private func lacking() -> [String] {
        var lacks: [String] = []
        let makesTables = !plan.hasChangeTable || (!plan.hasReaderTable && options.keepsReader)
        let makesFunctions = CaptureSQL.functions.contains { !plan.currentFunctions.contains($0.name) }
        if makesTables || makesFunctions {
            if !rights.hasSchema {
                if !rights.mayCreateSchema { lacks.append("CREATE on database \(rights.database)") }
            } else if !rights.mayCreateInSchema { lacks.append("CREATE on schema connectd") }
            if makesFunctions, !rights.ownsFunctions { lacks.append("the ownership of the functions in schema connectd") }
        }
        if rights.hasSchema, !rights.mayUseSchema { lacks.append("USAGE on schema connectd") }
        for state in plan.tables {
            let statements = ArmingFindings.alone(state).statements(options)
            guard let facts = facts[state.table.oid], !statements.isEmpty else { continue }
            if statements.contains(where: { !$0.hasPrefix("CREATE TRIGGER") }) {
                if !facts.isOwned { lacks.append("the ownership of \(state.table.display), which is \(facts.owner)'s") }
            } else if !facts.mayTrigger { lacks.append("TRIGGER on \(state.table.display)") }
        }
        return lacks
    }

    /// Rights on what is there. What is still to be made will be ours.
    private func reading() -> [CheckFinding] {
        let lacks = rights.lacking(keepsReader: options.keepsReader, prunes: prunes)
        if lacks.isEmpty { return [] }
        return [
            CheckFinding(
                .error, "postgres.source.permission", PostgresLook.url, "role \(rights.role) may not read or keep what is captured: it lacks \(lacks.map(\.what).joined(separator: ", "))",
                suggestion: "let the owner of schema connectd run:", statements: lacks.map(\.statement), cause: .refused)
        ]
    }

    private func disabled() -> [CheckFinding] {
        plan.tables.flatMap { state in
            state.triggers.filter { $0.enabled == "D" || $0.enabled == "R" }.map { trigger in
                let how = trigger.enabled == "D" ? "is disabled" : "fires for logical replication only"
                let statement = "ALTER TABLE \(state.table.qualified) ENABLE TRIGGER \(Quoting.identifier(trigger.name))"
                if trigger.name == CaptureSQL.wakeTrigger {
                    return CheckFinding(
                        .warning, "postgres.source.wake_disabled", Keys.wake.name, "trigger \(trigger.name) of table \(state.table.display) \(how)",
                        cost: "its changes are noticed up to two seconds late, or poll.interval.ms where that is longer", statements: [statement])
                }
                return CheckFinding(
                    .error, "postgres.source.trigger_disabled", Keys.include.name, "trigger \(trigger.name) of table \(state.table.display) \(how)",
                    cost: "changes made meanwhile are not captured, and copies will lack them",
                    suggestion: "enable it, then reset the connector's offsets to deliver the table anew:", statements: [statement])
            }
        }
    }

    private func cache() -> [CheckFinding] {
        guard let sequenceCache, sequenceCache != 1 else { return [] }
        return [
            CheckFinding(
                .error, "postgres.source.sequence_cache", PostgresLook.url, "the sequence of connectd.change.id has CACHE \(sequenceCache): numbers drawn ahead break the order of changes",
                cost: "changes of one key may have been delivered out of order", suggestion: "put it back, then reset the connector's offsets:",
                statements: ["ALTER TABLE connectd.change ALTER COLUMN id SET CACHE 1"])
        ]
    }

    /// What logical replication applies fires no ordinary trigger.
    private func subscribed() -> [CheckFinding] {
        plan.tables.compactMap { state in
            guard facts[state.table.oid]?.isSubscribed == true, !options.always else { return nil }
            let ordinary = state.triggers.filter { $0.name != CaptureSQL.wakeTrigger && $0.enabled == "O" }
            if ordinary.isEmpty, !state.triggers.isEmpty { return nil }
            return CheckFinding(
                .warning, "postgres.source.replica_changes", Keys.always.name, "table \(state.table.display) receives changes by logical replication, which fire no ordinary trigger",
                cost: "those changes are not captured", suggestion: "set \(Keys.always.name)=true, or let the table's owner run:",
                statements: ordinary.map { "ALTER TABLE \(state.table.qualified) ENABLE ALWAYS TRIGGER \(Quoting.identifier($0.name))" })
        }
    }
}
