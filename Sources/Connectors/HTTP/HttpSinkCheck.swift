import ConnectRuntime
import Curl

/// Looks whether the servers that a configuration names answer, and whether each is trusted: connects, and sends nothing.
enum HttpSinkCheck {
    static func findings(_ configuration: HttpConfiguration) -> [CheckFinding] {
        var found: [CheckFinding] = []
        if let origin = configuration.url.origin {
            found.append(connect(origin, HttpSettings.url.name, configuration.curl))
        } else {
            found.append(CheckFinding(.ok, "http.templated", HttpSettings.url.name, "where requests go is each record's to say, within http.allowed.hosts"))
        }
        if case .oauth2(let source) = configuration.authorization, let url = CurlURL(source.url) {
            var options = configuration.curl
            // The token's server is named by the configuration, not by records.
            options.addresses = .any
            found.append(connect(url.origin, HttpSecuritySettings.tokenURL.name, options))
        }
        return found
    }

    private static func connect(_ origin: String, _ setting: Name, _ options: CurlOptions) -> CheckFinding {
        do throws(CurlError) {
            try CurlEasy(options).connect(origin)
            return CheckFinding(.ok, "http.server", setting, "\(origin) answers\(origin.utf8.starts(with: "https:".utf8) ? " and its certificate is trusted" : " (no TLS)")")
        } catch {
            switch error.kind {
            case .connect, .timeout, .broken:
                return CheckFinding(
                    .error, "http.unreachable", setting, "\(origin) does not answer: \(error.message)", suggestion: "check the URL, the server, and what stands between", cause: .unreachable)
            case .trust:
                return CheckFinding(
                    .error, "http.not_trusted", setting, "\(origin) is not trusted, or does not trust us: \(error.message)",
                    suggestion: "name its authority in the ssl settings, or give the server a certificate for this name", cause: .refused)
            case .refused, .local: return CheckFinding(.error, "http.client", setting, "\(origin): \(error.message)")
            }
        }
    }
}
