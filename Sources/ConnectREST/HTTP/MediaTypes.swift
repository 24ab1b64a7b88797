import ConnectRuntime

/// Whether a client sends and takes JSON.
enum MediaTypes {
    /// No content type passes: many clients send none, and a browser cannot do so across sites without naming its origin.
    static func isJSON(contentType: String?) -> Bool {
        guard let contentType else { return true }
        return essence(contentType) == "application/json"
    }

    static func acceptsJSON(accept: String?) -> Bool {
        guard let accept, !accept.trimmedASCII.isEmpty else { return true }
        return splitList(accept).contains { range in
            let parts = range.split(separator: ";").map { String($0).trimmedASCII.lowercased() }
            let refused = parts.dropFirst().contains { $0 == "q=0" || $0.hasPrefix("q=0.0") && !$0.contains { "123456789".contains($0) } }
            return !refused && ["*/*", "application/*", "application/json"].contains(parts.first ?? "")
        }
    }

    private static func essence(_ text: String) -> String {
        String(text.prefix { $0 != ";" }).trimmedASCII.lowercased()
    }
}
