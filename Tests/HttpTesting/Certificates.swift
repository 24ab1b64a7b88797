import ConnectTesting
import Foundation

/// Certificates made by openssl for one test run: an authority, a server for localhost and 127.0.0.1 with several that are no good in its place, a client, and a stranger.
package struct Certificates: Sendable {
    /// A certificate and its key, as files.
    package struct Pair: Sendable {
        package let certificate: String
        package let key: String
    }

    package let folder: String
    package var authority: String { folder + "/ca.pem" }
    package var server: Pair { pair("server") }
    /// For another name than the one it is reached by.
    package var misnamed: Pair { pair("misnamed") }
    /// Good until yesterday.
    package var expired: Pair { pair("expired") }
    /// By nobody but itself.
    package var selfSigned: Pair { pair("self") }
    package var client: Pair { pair("client") }
    /// The client's key, encrypted with `password`.
    package var lockedKey: String { folder + "/client.locked.key" }
    package static let password = "key-passw0rd"
    package var strangersAuthority: String { folder + "/stranger.pem" }

    private func pair(_ name: String) -> Pair { Pair(certificate: "\(folder)/\(name).pem", key: "\(folder)/\(name).key") }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    package init(in folder: String) throws {
        self.folder = folder
        for (name, subject, further) in [("ca", "ca", []), ("stranger", "stranger", []), ("self", "localhost", ["-addext", "subjectAltName=DNS:localhost"])] {
            try Self.openssl(["req", "-x509"] + Self.newKey + ["-days", "2", "-subj", "/CN=\(subject)", "-keyout", "\(name).key", "-out", "\(name).pem"] + further, folder)
        }
        let here = "DNS:localhost,IP:127.0.0.1"
        for (name, names, days) in [("server", here, 2), ("misnamed", "DNS:elsewhere.example", 2), ("expired", here, -1), ("client", "DNS:client", 2)] {
            try Self.openssl(["req"] + Self.newKey + ["-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).csr"], folder)
            try "subjectAltName=\(names)\n".write(toFile: "\(folder)/\(name).ext", atomically: true, encoding: .utf8)
            try Self.openssl(
                ["x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "\(days)", "-extfile", "\(name).ext", "-out", "\(name).pem"], folder)
        }
        try Self.openssl(["ec", "-in", "client.key", "-aes256", "-passout", "pass:\(Self.password)", "-out", "client.locked.key"], folder)
    }

    private static func openssl(_ arguments: [String], _ folder: String) throws {
        let code = try ChildProcess.run(["openssl"] + arguments, directory: folder, seconds: 60)
        guard code == 0 else { throw NginxError("openssl \(arguments[0]) ended with \(code)") }
    }
}

package struct NginxError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
