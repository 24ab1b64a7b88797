import ConnectTesting
import Foundation

/// Certificates made by openssl for one test run: an authority, a server for localhost and 127.0.0.1, a client, and a stranger.
struct Certificates: Sendable {
    let folder: String
    var authority: String { folder + "/ca.pem" }
    var server: String { folder + "/server.pem" }
    var serverKey: String { folder + "/server.key" }
    /// For another name than the one it is reached by.
    var misnamed: String { folder + "/misnamed.pem" }
    var misnamedKey: String { folder + "/misnamed.key" }
    var client: String { folder + "/client.pem" }
    var clientKey: String { folder + "/client.key" }
    /// The client's key, encrypted with `password`.
    var lockedKey: String { folder + "/client.locked.key" }
    static let password = "key-passw0rd"
    var strangersAuthority: String { folder + "/stranger.pem" }

    init(in folder: String) throws {
        self.folder = folder
        for name in ["ca", "stranger"] {
            try Self.openssl(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).pem"], folder)
        }
        for (name, names) in [("server", "DNS:localhost,IP:127.0.0.1"), ("misnamed", "DNS:elsewhere.example"), ("client", "DNS:client")] {
            try Self.openssl(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).csr"], folder)
            try "subjectAltName=\(names)\n".write(toFile: "\(folder)/\(name).ext", atomically: true, encoding: .utf8)
            try Self.openssl(["x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "\(name).ext", "-out", "\(name).pem"], folder)
        }
        try Self.openssl(["ec", "-in", "client.key", "-aes256", "-passout", "pass:\(Self.password)", "-out", "client.locked.key"], folder)
    }

    private static func openssl(_ arguments: [String], _ folder: String) throws {
        let code = try ChildProcess.run(["openssl"] + arguments, directory: folder, seconds: 60)
        guard code == 0 else { throw NginxError("openssl \(arguments[0]) ended with \(code)") }
    }
}

struct NginxError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
