import ConnectRuntime
import Curl

/// Asks a worker's REST door. Used by one thread.
final class RestClient {
    private let base: String
    private let handle: CurlEasy

    /// A page of records may be large; nothing else is.
    private static let largestAnswer = 256 << 20

    init(_ url: String) throws {
        let trimmed = url.hasSuffix("/") ? String(url.dropLast()) : url
        guard trimmed.hasPrefix("http://") || trimmed.hasPrefix("https://") else {
            throw AccessError(
                finding: Finding("usage", "\"\(url)\" is no address of a worker", suggestion: "write --url http://127.0.0.1:8083"), exitCode: .invalid)
        }
        base = trimmed
        var options = CurlOptions()
        options.responseLimit = Self.largestAnswer
        do throws(CurlError) {
            handle = try CurlEasy(options)
        } catch {
            throw AccessError(finding: Finding("http.client", error.message), exitCode: .failure)
        }
    }

    func get(_ path: String) throws -> JSON { try exchange(CurlRequest(method: "GET", url: base + path, headers: ["Accept: application/json"])) }

    func put(_ path: String, _ document: JSON) throws {
        _ = try exchange(
            CurlRequest(method: "PUT", url: base + path, headers: ["Content-Type: application/json"], body: document.serialized()))
    }

    private func exchange(_ request: CurlRequest) throws -> JSON {
        let response: CurlResponse
        do throws(CurlError) {
            response = try handle.perform(request)
        } catch {
            throw AccessError(
                finding: Finding(
                    "worker.unreachable", "no worker answers at \(base): \(error.message)",
                    suggestion: "start one (connectd standalone), name another with --url, or read a stopped one's folder with --data-dir"),
                exitCode: .environment)
        }
        let document = response.body.isEmpty ? JSON.null : try? JSON.parse(response.body, duplicateNames: .lastWins)
        guard response.status < 300 else {
            let message = document?["message"]?.text ?? "the worker answered with status \(response.status)"
            let code: ExitCode =
                switch response.status {
                case 400, 404: .invalid
                case 401, 403, 503: .environment
                default: .failure
                }
            throw AccessError(finding: Finding("worker.refused", message), exitCode: code)
        }
        guard let document, !response.isBodyCut else {
            throw AccessError(
                finding: Finding("worker.answer", "what answers at \(base) is no connectd worker", suggestion: "check --url"), exitCode: .failure)
        }
        return document
    }
}
