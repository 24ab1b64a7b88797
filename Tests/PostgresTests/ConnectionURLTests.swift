import Postgres
import Testing

@Suite struct ConnectionURLTests {
    @Test(arguments: [
        ("postgresql://h/d", ["host": "h", "dbname": "d"]),
        ("postgres://u:p@h:5433/d?sslmode=disable", ["user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "d", "sslmode": "disable"]),
        ("postgresql://a,b:2/d", ["host": "a,b", "port": ",2", "dbname": "d"]),
        ("postgresql://[::1]:5/d", ["host": "::1", "port": "5", "dbname": "d"]),
        ("postgresql://u:p%40%25%0A@h/d%22x", ["user": "u", "password": "p@%\n", "host": "h", "dbname": "d\"x"]),
        ("postgresql://u:p@ss@h/d", ["user": "u", "password": "p@ss", "host": "h", "dbname": "d"]),
        ("postgresql:///d?host=/tmp/s", ["dbname": "d", "host": "/tmp/s"]),
        ("jdbc:postgresql://h:1/d?user=u&password=p%26q&ssl=true&ApplicationName=x", ["host": "h", "port": "1", "dbname": "d", "user": "u", "password": "p&q", "sslmode": "verify-full", "application_name": "x"]),
        ("jdbc:postgresql:d", ["host": "localhost", "dbname": "d"]),
        ("jdbc:postgresql://h/d?currentSchema=a\"b,c", ["host": "h", "dbname": "d", "connectd_search_path": "\"a\"\"b\",\"c\""]),
    ])
    func reads(url: String, expected: [String: String]) throws {
        let parameters = try ConnectionParameters(url: url)
        #expect(Dictionary(uniqueKeysWithValues: parameters.keywords.map { ($0.name, $0.value) }) == expected)
    }

    @Test(arguments: [
        "mysql://u:SECRET@h/d", "postgresql:u:SECRET@h", "postgresql://u:SECRET%zz@h/d", "postgresql://u:SECRET/x@h/d", "jdbc:postgres://u:SECRET@h/d",
        "postgresql://h/d?SECRETkey%=1", "postgresql://h/d?client_encoding=SECRET", "postgresql://h/d?password=SECRET&nonsense=SECRET", "postgresql://[::1:SECRET", "",
        // Passwords that nobody encoded: what follows the character that ends them is taken for another part.
        "postgresql://u:12/SECRET@h/d", "postgresql://u:12?SECRET@h/d", "postgresql://u:1?x&SECRET=1@h/d", "jdbc:postgresql://u:12/SECRET@h/d", "jdbc:postgresql:u:SECRET@h/d",
        "postgresql://h/d?password=a&SECRET", "jdbc:postgresql://h/d?password=a&SECRET",
    ])
    func refusesWithoutShowing(url: String) {
        #expect {
            try ConnectionParameters(url: url)
        } throws: { error in
            !String(describing: error).contains("SECRET")
        }
    }

    @Test func describesWithoutPassword() throws {
        let parameters = try ConnectionParameters(url: "postgresql://u:SECRET@h:1,i:2/d")
        #expect(parameters.description == "database \"d\" on h:1,i:2 as u")
    }

    @Test func namesWhatMeansNothing() throws {
        let parameters = try ConnectionParameters(url: "jdbc:postgresql://h/d?reWriteBatchedInserts=true&prepareThreshold=0")
        #expect(parameters.ignored == ["reWriteBatchedInserts", "prepareThreshold"])
        // A user may hold an @ there; then a name might be the rest of a password.
        #expect(try ConnectionParameters(url: "jdbc:postgresql://h/d?user=u@x&prepareThreshold=0&ssl").ignored == ["a parameter"])
        #expect(try ConnectionParameters(url: "jdbc:postgresql://h/d?password=a&b-c=1").ignored == ["a parameter"])
    }
}
