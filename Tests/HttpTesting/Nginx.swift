import ConnectTesting
import Foundation
import Glibc

/// A real nginx in a temporary folder: TLS, HTTP/2, client certificates, in front of a scripted server that sees what arrives.
package final class Nginx {
    /// Where there is one: the system's, or what `scripts/test-servers` has put beside the build.
    package static let program: String? = ["/usr/sbin/nginx", repository + "/.build/test-servers/usr/sbin/nginx"].first { FileManager.default.isExecutableFile(atPath: $0) }
    private static let repository = String(#filePath.prefix(upTo: #filePath.range(of: "/Tests/")?.lowerBound ?? #filePath.endIndex))

    package let port: Int
    private let process: pid_t
    private var isStopped = false

    /// - Parameters:
    ///   - server: whom it shows itself as.
    ///   - clients: whether a client must show a certificate of the authority.
    ///   - port: a free one where none is named.
    package init(_ certificates: Certificates, _ server: Certificates.Pair, clients: Bool, backend: Int, folder: String, port: Int? = nil) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.port = try port ?? Self.freePort()
        let configuration = """
            daemon off;
            master_process off;
            pid \(folder)/pid;
            error_log stderr warn;
            events { worker_connections 256; }
            http {
                access_log off;
                client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/proxy; fastcgi_temp_path \(folder)/f; uwsgi_temp_path \(folder)/u; scgi_temp_path \(folder)/s;
                server {
                    listen 127.0.0.1:\(self.port) ssl http2;
                    ssl_protocols TLSv1.2 TLSv1.3;
                    ssl_certificate \(server.certificate);
                    ssl_certificate_key \(server.key);
                    ssl_client_certificate \(certificates.authority);
                    ssl_verify_client \(clients ? "on" : "off");
                    client_max_body_size 0;
                    location / {
                        proxy_pass http://127.0.0.1:\(backend);
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_set_header X-Protocol $server_protocol;
                        proxy_set_header X-TLS $ssl_protocol;
                        proxy_set_header X-Client $ssl_client_s_dn;
                    }
                }
            }
            """
        try configuration.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        process = try ChildProcess.spawn([Self.program ?? "", "-p", folder, "-c", folder + "/nginx.conf"])
        for _ in 0..<2000 where !Self.isListening(self.port) {
            if let code = ChildProcess.wait(process, seconds: 0) { throw NginxError("nginx ended with \(code)") }
            usleep(10_000)
        }
        guard Self.isListening(self.port) else { throw NginxError("nginx does not listen after 20 s") }
    }

    package func stop() {
        if isStopped { return }
        isStopped = true
        kill(process, SIGKILL)
        _ = ChildProcess.wait(process, seconds: 10)
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size), address = loopback(0)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0 }
        }
        guard isBound else { throw NginxError("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func isListening(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
