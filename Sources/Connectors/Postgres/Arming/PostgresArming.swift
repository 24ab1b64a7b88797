internal import ConnectRuntime
internal import Postgres

/// Looks at what is armed and arms what is not, in one transaction. Called on the task's thread.
struct PostgresArming {
    enum Mode: String, Sendable, CaseIterable {
        /// Arm what is missing.
        case auto
        /// Refuse when something is missing, and say the SQL.
        case check
        /// Take it as it is.
        case off
    }

    let connection: Connection
    let mode: Mode
    let options: ArmingPlan.Options
    let lockTimeoutMilliseconds: Int
    let logger: Logger

    /// What is there for these tables.
    func inspect(_ tables: [PostgresTable], known: Set<UInt32>) throws(PostgresError) -> ArmingPlan {
        var plan = ArmingPlan()
        let objects = try connection.execute(CaptureSQL.inspect)
        for row in 0..<objects.rowCount {
            let name = objects.text(row, 1) ?? ""
            switch (objects.text(row, 0), name) {
            case ("table", "change"): plan.hasChangeTable = true
            case ("table", "tail"): plan.hasReaderTable = true
            default: if objects.text(row, 2) == "connectd, version \(CaptureSQL.version)" { plan.currentFunctions.insert(name) }
            }
        }
        let list = Parameter.text("{" + tables.map { String($0.oid) }.joined(separator: ",") + "}")
        let found = try connection.query(CaptureSQL.inspectTriggers, [list])
        var triggers: [UInt32: [ArmingPlan.Trigger]] = [:]
        for row in 0..<found.rowCount {
            guard let oid = found.text(row, 0).flatMap({ UInt32($0) }) else { continue }
            // Arguments end in a NUL each, shown as \000.
            let argument = (found.text(row, 3) ?? "").split(separator: "\\").first.map(String.init) ?? ""
            triggers[oid, default: []].append(
                ArmingPlan.Trigger(name: found.text(row, 1) ?? "", enabled: found.text(row, 2) ?? "D", argument: argument))
        }
        plan.tables = tables.map { ArmingPlan.TableState(table: $0, triggers: triggers[$0.oid] ?? [], isKnown: known.contains($0.oid)) }
        return plan
    }

    /// Arms the tables, or refuses. Idempotent; either everything is done or nothing.
    /// - Parameter known: tables that were captured before.
    func arm(_ tables: [PostgresTable], known: Set<UInt32>) throws {
        let plan = try inspect(tables, known: known)
        if let refusal = plan.refusals().first { throw refusal }
        try checkSequence(plan)
        let statements = plan.statements(options)
        if statements.isEmpty || mode == .off { return }
        if mode == .check {
            throw ConnectError(
                .fatal, code: "postgres.source.not_armed", "\(statements.count) things that capturing needs are missing, and arm=check does not make them",
                suggestion: "let the tables' owner run:\n" + statements.joined(separator: ";\n") + ";")
        }
        for attempt in 0... {
            do throws(PostgresError) {
                try armOnce(tables, known: known)
                break
            } catch {
                if connection.isOpen { _ = try? connection.execute("ROLLBACK") }
                // A sink makes the same schema for its positions, without our lock.
                if connection.isOpen, error.isRaceOfMakers, attempt < 3 { continue }
                if error.has("42501") {
                    throw ConnectError(
                        .fatal, code: "postgres.source.not_armed", "the connector's user may not arm the tables: \(error.message)",
                        suggestion: "let the tables' owner run:\n" + statements.joined(separator: ";\n") + ";")
                }
                throw error
            }
        }
        _ = connection.takeNotices()
        logger.info("armed \(tables.count) table(s) for capture (\(statements.count) statements)")
    }

    private func armOnce(_ tables: [PostgresTable], known: Set<UInt32>) throws(PostgresError) {
        try connection.execute("BEGIN")
        try connection.execute("SET LOCAL lock_timeout TO \(lockTimeoutMilliseconds)")
        try connection.execute(CaptureSQL.armingLock)
        // Somebody else may have done it while we waited for the lock.
        for statement in try inspect(tables, known: known).statements(options) { try connection.execute(statement) }
        try connection.execute("COMMIT")
    }

    private func checkSequence(_ plan: ArmingPlan) throws {
        guard plan.hasChangeTable else { return }
        let cache = try connection.execute(CaptureSQL.inspectCache)
        guard cache.rowCount == 1, cache.text(0, 0) == "1" else {
            throw ConnectError(
                .fatal, code: "postgres.source.sequence_cache",
                "the sequence of connectd.change.id has CACHE \(cache.rowCount == 1 ? cache.text(0, 0) ?? "?" : "?"): numbers drawn ahead break the order of changes",
                suggestion: "ALTER TABLE connectd.change ALTER COLUMN id SET CACHE 1, then reset the connector's offsets")
        }
    }
}
