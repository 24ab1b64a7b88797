import ConnectTesting
import Foundation
import Glibc
import Testing

/// What tests stand on: a tool that does something else than it says lets a test hang or pass for a wrong reason.
@Suite struct TestToolTests {
    /// A server that a test starts lives on: it must not keep open what others close.
    @Test func aProgramInheritsNothing() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            defer { for end in ends { close(end) } }
            let code = try ChildProcess.run(["sh", "-c", "ls /proc/self/fd"], outputPath: folder.file("descriptors"))
            #expect(code == 0)
            let listed = try String(contentsOfFile: folder.file("descriptors"), encoding: .utf8)
            // `ls` has the folder it lists as its fourth.
            #expect(listed.split(separator: "\n") == ["0", "1", "2", "3"])
        }
    }

    /// A program that is started meanwhile, by whatever means, would keep a connection open beyond its cut, and the client wait for ever.
    @Test func noProgramCanInheritAProxysConnection() async throws {
        try await onThread {
            let folder = try TemporaryFolder()
            let server = try LocalServer(folder.file("socket"))
            defer { server.close() }
            let proxy = try CuttingProxy(to: folder.file("socket")) { bytes, _ in bytes.count }
            defer { proxy.stop() }
            let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(client) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            address.sin_port = UInt16(proxy.port).bigEndian
            let isConnected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } == 0
            }
            try #require(isConnected)
            try #require(send(client, "x", 1, Int32(MSG_NOSIGNAL)) == 1)
            #expect(eventually { proxy.messages == 1 })
            let accepted = (3..<1024).filter { $0 != client && Self.localPort($0) == proxy.port }
            // The listening one and the connection's.
            #expect(accepted.count == 2)
            for descriptor in accepted { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
        }
    }

    private static func localPort(_ descriptor: Int32) -> Int? {
        var address = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return code == 0 && address.sin_family == sa_family_t(AF_INET) ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}

/// A local socket that takes connections and says nothing.
private struct LocalServer {
    private let listener: Int32

    init(_ path: String) throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        try #require(bytes.count <= MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let listener = listener
        let isListening = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 8) == 0
            }
        }
        try #require(isListening)
    }

    func close() { Glibc.close(listener) }
}
