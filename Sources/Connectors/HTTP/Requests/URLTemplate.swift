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
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://") else { throw SettingError("must begin with http:// or https://") }
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
        for (index, part) in template.parts.enumerated() {
            switch part {
            case .text(let literal):
                text += literal
                if literal.utf8.contains(UInt8(ascii: "?")) { isInPath = false }
            case .place(let place):
                let value = try PlaceText.of(source.value(place), "the URL")
                if isInPath { try checkSegment(value, index) }
                text += PlaceText.percentEncoded(value)
            }
        }
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

    /// A whole segment that is `.` or `..` would be resolved by servers, encoded or not, and an empty one would name the collection.
    private func checkSegment(_ value: String, _ index: Int) throws {
        if value.isEmpty { throw ConnectError(.data, code: "http.url", "the URL needs a value that is empty") }
        guard value.utf8.allSatisfy({ $0 == UInt8(ascii: ".") }), value.utf8.count <= 2 else { return }
        let before: String? = if index > 0, case .text(let text) = template.parts[index - 1] { text } else { nil }
        let after: String? = if index + 1 < template.parts.count, case .text(let text) = template.parts[index + 1] { text } else { nil }
        let isLeftFree = before?.hasSuffix("/") ?? true
        let isRightFree = after.map { $0.hasPrefix("/") || $0.hasPrefix("?") || $0.hasPrefix("#") } ?? true
        // Two places beside each other, or a dot of the template's own, could make one together: refused as well.
        let isNearDot = before?.hasSuffix(".") == true || after?.hasPrefix(".") == true
        if (isLeftFree && isRightFree) || isNearDot {
            throw ConnectError(.data, code: "http.url", "a value that is only dots would become a path segment \"\(value)\", which servers resolve to another place")
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
