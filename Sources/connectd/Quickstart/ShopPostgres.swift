import ConnectRuntime
import Postgres
import SQLite

/// The demonstration's way through PostgreSQL: the shop's topics into tables of a server, and those tables' changes through topics of their own into one more copy.
struct ShopPostgres {
    let server: QuickstartServer
    /// The copy at the far end.
    let copy: String

    static let names: [Name] = ["shop-postgres", "postgres-source", "postgres-copy"]

    /// Starts a server where its programs are; `nil` where they are not, or it does not start, with words why.
    static func start(_ folder: QuickstartFolder, _ environment: Environment) -> (postgres: ShopPostgres?, why: String) {
        guard let programs = QuickstartServer.programs(environment) else {
            return (nil, "no server here: install postgresql, or set POSTGRES_BIN to a folder with initdb and postgres")
        }
        do {
            let server = try QuickstartServer(programs: programs, in: folder.path)
            do { try makeTables(server) } catch {
                server.stop()
                throw error
            }
            return (ShopPostgres(server: server, copy: folder.file("postgres-copy.db")), "")
        } catch {
            return (nil, "\((error as? ConnectError)?.message ?? "\(error)")")
        }
    }

    private static func makeTables(_ server: QuickstartServer) throws {
        let sql = try server.connect()
        defer { sql.close() }
        _ = try sql.execute(
            """
            CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, city text, change bigint NOT NULL);
            CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL, total text NOT NULL, state text, change bigint NOT NULL)
            """)
    }

    /// The connectors into the server and out of it.
    var first: [(name: Name, config: ConfigMap)] {
        [
            ("shop-postgres", ConfigMap(["connector.class": "PostgresSink", "connection.url": server.url(), "topics": "shop.customers,shop.orders"])),
            (
                "postgres-source",
                ConfigMap([
                    "connector.class": "PostgresSource", "connection.url": server.url(), "topic.prefix": "postgres",
                    "table.include.list": "public.customers,public.orders",
                ])
            ),
        ]
    }

    /// The connector at the far end, for when its topics are there.
    var last: (name: Name, config: ConfigMap) {
        ("postgres-copy", ConfigMap(["connector.class": "SqliteSink", "connection.url": "sqlite:\(copy)", "topics": "postgres.public.customers,postgres.public.orders"]))
    }

    /// The server's tables, in the form of ``Shop/content(_:)``.
    func content() -> [[String]]? {
        guard let sql = try? server.connect() else { return nil }
        defer { sql.close() }
        return try? Shop.tables.map { table in
            let columns = Shop.columns(table).map { column in
                ["id", "customer", "change"].contains(column) ? column : "coalesce(quote_literal(\(column)), 'NULL')"
            }
            let result = try sql.execute("SELECT \(columns.joined(separator: " || ',' || ")) FROM \(table) ORDER BY id")
            return (0..<result.rowCount).map { result.text($0, 0) ?? "" }
        }
    }
}
