internal import ConnectRuntime
internal import Postgres

/// What is in a database of what capturing needs, and what has to be done about it. A value, without any I/O.
struct ArmingPlan: Sendable, Hashable {
    struct Trigger: Sendable, Hashable {
        let name: String
        /// `O` (ordinary), `A` (always), `R` (replica only), `D` (disabled).
        let enabled: String
        /// Its first argument.
        let argument: String
    }

    struct TableState: Sendable, Hashable {
        let table: PostgresTable
        var triggers: [Trigger] = []
        /// Whether changes of it were delivered before: a trigger that is missing then has missed some.
        var isKnown = false
    }

    var hasChangeTable = false
    var hasReaderTable = false
    /// Functions of the right version.
    var currentFunctions: Set<String> = []
    var tables: [TableState] = []

    struct Options: Sendable, Hashable {
        /// Whether the wake-up trigger is wanted.
        var wakes = true
        /// Whether the trigger fires for rows that logical replication applies.
        var always = false
        /// Whether the reader may write its own row.
        var keepsReader = true
    }

    /// The statements that are missing, in their order; empty when all is there.
    func statements(_ options: Options) -> [String] {
        var sql: [String] = []
        if !hasChangeTable || (!hasReaderTable && options.keepsReader) { sql.append(CaptureSQL.createSchema) }
        if !hasChangeTable { sql += CaptureSQL.createChangeTable }
        if !hasReaderTable, options.keepsReader { sql.append(CaptureSQL.createReaderTable) }
        for function in CaptureSQL.functions where !currentFunctions.contains(function.name) {
            sql += [function.sql, CaptureSQL.comment(function.name)]
        }
        for state in tables {
            let table = state.table.qualified
            var wanted = [CaptureSQL.captureTrigger, CaptureSQL.truncateTrigger]
            if options.wakes { wanted.append(CaptureSQL.wakeTrigger) }
            for name in wanted {
                let found = state.triggers.first { $0.name == name }
                // A dump that was restored kept the number the table had where it came from.
                let isStale = found != nil && name != CaptureSQL.wakeTrigger && found?.argument != String(state.table.oid)
                if isStale { sql.append(CaptureSQL.dropTrigger(name, on: table)) }
                if found == nil || isStale { sql.append(CaptureSQL.createTrigger(name, on: table, oid: state.table.oid)) }
                if options.always, name != CaptureSQL.wakeTrigger, found?.enabled != "A" || isStale {
                    sql.append("ALTER TABLE \(table) ENABLE ALWAYS TRIGGER \(name)")
                }
            }
        }
        return sql
    }

    /// What makes capturing wrong, whatever is armed: nothing of it is mended by itself.
    func refusals() -> [ConnectError] {
        var errors: [ConnectError] = []
        for state in tables {
            let table = state.table
            if table.isKeyDeferrable {
                errors.append(
                    ConnectError(
                        .fatal, code: "postgres.source.deferrable_key",
                        "the primary key of table \(table.display) is DEFERRABLE: an insert may draw its change number before the conflicting delete draws its own, so changes of one key would come out of order",
                        suggestion: "make the key not deferrable, or leave the table out"))
            }
            for trigger in state.triggers where trigger.name != CaptureSQL.wakeTrigger && (trigger.enabled == "D" || trigger.enabled == "R") {
                errors.append(
                    ConnectError(
                        .fatal, code: "postgres.source.trigger_disabled",
                        "trigger \(trigger.name) of table \(table.display) is disabled: changes made meanwhile were not captured",
                        suggestion: "ALTER TABLE \(table.qualified) ENABLE TRIGGER \(trigger.name), then reset the connector's offsets to deliver the table anew"))
            }
            let capture = state.triggers.first { $0.name == CaptureSQL.captureTrigger }
            if state.isKnown, capture == nil || capture?.argument != String(table.oid) {
                errors.append(
                    ConnectError(
                        .fatal, code: "postgres.source.trigger_missing",
                        "table \(table.display) was captured before and has no trigger \(CaptureSQL.captureTrigger) of ours any more: changes made meanwhile were not captured",
                        suggestion: "set on.history.lost=earliest to deliver the table anew, or latest to go on without what was missed"))
            }
        }
        return errors
    }
}
