internal import ConnectRuntime
internal import Postgres

/// Examines a server for what is the same whoever uses it: settings, free sessions, transactions that hold things back, the clock.
struct PostgresServerDoctor {
    let look: PostgresLook
    let side: ServerSettings.Side
    /// How many sessions the connector opens at most.
    let sessions: Int

    private static let url = PostgresLook.url
    /// The oldest few say it.
    private static let mostTransactions = 10

    func examine() {
        look.part("looking at settings") { for finding in try ServerSettings.read(look).findings(side) { look.add(finding) } }
        look.part("looking at sessions") { try connections() }
        look.part("looking at open transactions") {
            try transactions()
            try prepared()
        }
        look.part("looking at the clock") { try clock() }
    }

    // MARK: sessions

    private func connections() throws {
        let result = try look.connection.execute(
            """
            SELECT pg_catalog.current_setting('max_connections')::int - pg_catalog.current_setting('superuser_reserved_connections')::int - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0),
              (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'),
              r.rolconnlimit, (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid AND a.backend_type = 'client backend'),
              d.datconnlimit, (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend'), r.rolsuper
            FROM pg_catalog.pg_roles r, pg_catalog.pg_database d WHERE r.rolname = current_user AND d.datname = pg_catalog.current_database()
            """)
        func number(_ column: Int) -> Int { Int(result.integer(0, column) ?? 0) }
        // This look's own session will be free again.
        var limits = [(whose: "the server", most: number(0), taken: number(1) - 1, statements: ["ALTER SYSTEM SET max_connections = \(number(0) * 2)"])]
        if !result.boolean(0, 6) {
            let role = Quoting.identifier(look.role), database = Quoting.identifier(look.database)
            if number(2) >= 0 { limits.append(("role \(look.role)", number(2), number(3) - 1, ["ALTER ROLE \(role) CONNECTION LIMIT -1"])) }
            if number(4) >= 0 { limits.append(("database \(look.database)", number(4), number(5) - 1, ["ALTER DATABASE \(database) CONNECTION LIMIT -1"])) }
        }
        look.add(CheckFinding(.ok, "postgres.sessions", PostgresServerDoctor.url, "\(limits[0].taken) of \(limits[0].most) sessions taken"))
        for limit in limits where limit.most - limit.taken < sessions {
            look.add(
                CheckFinding(
                    .warning, "postgres.connections", PostgresServerDoctor.url,
                    "\(limit.whose) allows \(limit.most) sessions and \(limit.taken) are taken; the connector opens up to \(sessions)", cost: "tasks wait until one is free, and say so",
                    suggestion: limit.whose == "the server" ? "end idle clients, put a session pool before them, or raise the limit, which takes a restart of the server:" : "let an administrator run:",
                    statements: limit.statements))
        }
    }

    // MARK: transactions

    private func transactions() throws {
        let seesAll = try look.connection.execute("SELECT pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')").boolean(0, 0)
        if !seesAll {
            look.add(
                CheckFinding(
                    .warning, "postgres.blind", PostgresServerDoctor.url, "role \(look.role) may not see what other roles' sessions do",
                    cost: "transactions that hold things back cannot be named, here and in the metric oldest_transaction_milliseconds", suggestion: "let an administrator run:",
                    statements: ["GRANT pg_read_all_stats TO \(Quoting.identifier(look.role))"]))
        }
        let result = try look.connection.query(
            """
            SELECT a.pid, a.usename, a.application_name, a.datname, a.state LIKE 'idle in transaction%', a.backend_xid IS NOT NULL,
              (extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start) * 1000)::int8
            FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
              AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL OR a.state LIKE 'idle in transaction%')
              AND a.xact_start < pg_catalog.clock_timestamp() - $1::int8 * interval '1 millisecond' ORDER BY a.xact_start LIMIT \(PostgresServerDoctor.mostTransactions)
            """, [.text(String(look.request.longMilliseconds))])
        for row in 0..<result.rowCount {
            let pid = result.text(row, 0) ?? "?", application = result.text(row, 2) ?? ""
            let isIdle = result.boolean(row, 4), writes = result.boolean(row, 5)
            let who = "session \(pid) (\(application.isEmpty ? "" : "\(application), ")\(result.text(row, 1) ?? "?"), database \(result.text(row, 3) ?? "?"))"
            look.add(
                CheckFinding(
                    .warning, isIdle ? "postgres.idle_in_transaction" : "postgres.long_transaction", PostgresServerDoctor.url,
                    "\(who) has had a transaction open for \(Amounts.time(result.integer(row, 6) ?? 0))\(isIdle ? " and does nothing" : "")\(writes ? ", in which it wrote" : "")",
                    cost: cost(writes: writes), suggestion: "end it where it was begun, or from here:", statements: ["SELECT pg_terminate_backend(\(pid))"]))
        }
    }

    private func prepared() throws {
        let result = try look.connection.query(
            """
            SELECT p.gid, p.owner, p.database, (extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared) * 1000)::int8 FROM pg_catalog.pg_prepared_xacts p
            WHERE p.prepared < pg_catalog.clock_timestamp() - $1::int8 * interval '1 millisecond' ORDER BY p.prepared LIMIT \(PostgresServerDoctor.mostTransactions)
            """, [.text(String(look.request.longMilliseconds))])
        for row in 0..<result.rowCount {
            let gid = result.text(row, 0) ?? ""
            look.add(
                CheckFinding(
                    .warning, "postgres.prepared_transaction", PostgresServerDoctor.url,
                    "transaction \(gid) of \(result.text(row, 1) ?? "?") in database \(result.text(row, 2) ?? "?") has been prepared for \(Amounts.time(result.integer(row, 3) ?? 0)), and nobody finished it",
                    cost: cost(writes: true), suggestion: "ask its coordinator; in that database, COMMIT PREPARED or:", statements: ["ROLLBACK PREPARED \(Quoting.literal(gid))"]))
        }
    }

    private func cost(writes: Bool) -> String {
        let vacuum = "VACUUM keeps every row that was deleted since, so tables grow"
        if !writes { return vacuum }
        return side == .source
            ? "\(vacuum); what it wrote is delivered only when it ends, and tables it wrote are armed only then" : "\(vacuum); where the sink needs its locks, it waits"
    }

    // MARK: the clock

    private func clock() throws {
        let before = SystemClock().wallMilliseconds()
        let server = try look.connection.execute("SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::int8").integer(0, 0) ?? 0
        let skew = ClockSkew(before: before, server: server, after: SystemClock().wallMilliseconds())
        guard let milliseconds = skew.milliseconds else { return }
        look.add(
            CheckFinding(
                .warning, "postgres.clock", PostgresServerDoctor.url, "the server's clock is \(Amounts.time(abs(milliseconds))) \(milliseconds > 0 ? "ahead of" : "behind") this machine's",
                cost: "delays that are shown are wrong by this much", suggestion: "have both machines follow a time server (NTP)"))
    }
}

/// How far two clocks are apart, as far as one question and its answer tell.
package struct ClockSkew: Sendable {
    /// What it is for certain, from two seconds on; positive when the server is ahead.
    package let milliseconds: Int64?
    private static let leastMilliseconds: Int64 = 2000

    /// - Parameters: milliseconds since 1970: ours before asking, the server's, ours when the answer was there.
    package init(before: Int64, server: Int64, after: Int64) {
        let ahead = server - max(before, after), behind = server - min(before, after)
        milliseconds = ahead >= ClockSkew.leastMilliseconds ? ahead : behind <= -ClockSkew.leastMilliseconds ? behind : nil
    }
}
