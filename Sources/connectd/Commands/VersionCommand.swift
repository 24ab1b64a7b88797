import ConnectREST

enum VersionCommand {
    static let command = Command(name: "version", summary: "print the version") { _, terminal in
        terminal.print("connectd \(Program.version) (Kafka Connect \(RestAPI.connectVersion) compatible)")
        return .ok
    }
}
