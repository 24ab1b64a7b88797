extension String {
    /// Lower case of ASCII letters only: how databases fold names, whatever the language.
    var asciiLowercased: String { String(decoding: utf8.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }, as: UTF8.self) }
}
