package import ConnectRuntime
import Curl

/// The URL of a request: fixed, or made for each record. What a record says becomes data in it, never structure (P10).
package struct URLTemplate: Sendable {
    /// A URL that may be requested, with the server it leads to.
    ///
    /// An object, since every record on its way holds one, mostly the same.
    package final class Target: Sendable {
        package let url: String
        package let origin: String
        /// For messages: no credentials, no query.
        package let shown: String

        init(url: String, origin: String, shown: String) {
            self.url = url
            self.origin = origin
            self.shown = shown
        }
    }

    private let template: Template
    private let fixed: Target?
    private let allowList: HostAllowList
    /// Where it leads; `nil` where the record decides that.
    package let origin: String?

    /// - Parameter allowedHosts: where a templated host may lead; empty when the host is fixed.
    /// - Throws: ``SettingError`` with why the URL cannot be used.
    package init(_ text: String, allowedHosts: HostAllowList) throws(SettingError) {
        let template = try Template(text)
        self.template = template
        allowList = allowedHosts
        let lower = template.head.lowercased()
        guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix) else { throw SettingError("must begin with http:// or https://") }
        // libcurl skips a third slash: what seems to be the path would be the host.
        if lower.utf8.dropFirst(scheme.utf8.count).first == UInt8(ascii: "/") { throw SettingError("names no host behind \(scheme)") }
        if template.isFixed {
            fixed = try Self.target(text)
            origin = fixed?.origin
            return
        }
        fixed = nil
        let isOpen = Self.hasTemplatedHost(template)
        if isOpen, allowedHosts.isEmpty { throw SettingError("names a host by a template, so http.allowed.hosts must say where it may lead") }
        // A stand-in for every place shows whether the rest is a URL.
        let standIn = try Self.target(template.parts.map { if case .text(let text) = $0 { text } else { "x" } }.joined())
        origin = isOpen ? nil : standIn.origin
    }

    /// Whether it is the same for all records.
    package var isFixed: Bool { fixed != nil }

    /// Whether a place stands before the first `/` of the path, so that a record decides who is asked.
    package var hasTemplatedHost: Bool { Self.hasTemplatedHost(template) }

    private static func hasTemplatedHost(_ template: Template) -> Bool {
        guard !template.isFixed else { return false }
        let afterScheme = template.head.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        return afterScheme.count < 3 || !afterScheme[2].contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
    }

    package func target(_ source: @autoclosure () -> TemplateSource) throws -> Target {
        if let fixed { return fixed }
        let source = source()
        var text = ""
        var isInPath = true
        // Where values stand that are nothing but dots.
        var dots: [Range<Int>] = []
        for part in template.parts {
            switch part {
            case .text(let literal):
                text += literal
                if literal.utf8.contains(UInt8(ascii: "?")) { isInPath = false }
            case .place(let place):
                let value = try PlaceText.of(source.value(place), "the URL")
                let start = text.utf8.count
                text += PlaceText.percentEncoded(value)
                if !isInPath { continue }
                // It would name the collection.
                if value.isEmpty { throw ConnectError(.data, code: "http.url", "the URL needs a value that is empty") }
                if value.utf8.allSatisfy({ $0 == UInt8(ascii: ".") }) { dots.append(start..<text.utf8.count) }
            }
        }
        if !dots.isEmpty { try Self.checkSegments(Array(text.utf8), dots) }
        let target: Target
        do throws(SettingError) { target = try Self.target(text) } catch {
            throw ConnectError(.data, code: "http.url", "the URL made for the record cannot be used: \(error.message)")
        }
        if hasTemplatedHost, let url = CurlURL(text), !allowList.allows(host: url.host, port: url.port) {
            throw ConnectError(
                .data, code: "http.host_not_allowed", "the record leads to \(url.origin), which http.allowed.hosts does not allow")
        }
        return target
    }

    /// A segment that is `.` or `..` would be resolved by servers, encoded or not, also where a value and its neighbours make it one together.
    private static func checkSegments(_ text: [UInt8], _ values: [Range<Int>]) throws {
        // Some servers take a backslash for a slash, and cut off what stands behind a semicolon before they resolve dots.
        let slashes = Array(#"/\"#.utf8), ends = Array(#"/\;?#"#.utf8)
        for value in values {
            let start = (text[..<value.lowerBound].lastIndex { slashes.contains($0) } ?? -1) + 1
            let end = text[value.upperBound...].firstIndex { ends.contains($0) } ?? text.endIndex
            var segment = text[start..<end], dots = 0
            while !segment.isEmpty {
                if segment.starts(with: ".".utf8) {
                    segment = segment.dropFirst()
                } else if String(decoding: segment.prefix(3), as: UTF8.self).lowercased().utf8.elementsEqual("%2e".utf8) {
                    segment = segment.dropFirst(3)
                } else {
                    break
                }
                dots += 1
            }
            if segment.isEmpty, dots <= 2 {
                throw ConnectError(.data, code: "http.url", "the record's values make a path segment \"\(dots == 1 ? "." : "..")\", which servers resolve to another place")
            }
        }
    }

    private static func target(_ text: String) throws(SettingError) -> Target {
        if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { throw SettingError("must not hold blanks or control characters") }
        guard let url = CurlURL(text) else { throw SettingError("is no URL") }
        guard url.scheme == "http" || url.scheme == "https" else { throw SettingError("must begin with http:// or https://") }
        if url.hasCredentials { throw SettingError("must not hold a user or password: use http.authorization.type") }
        return Target(url: text, origin: url.origin, shown: url.shown)
    }
}
