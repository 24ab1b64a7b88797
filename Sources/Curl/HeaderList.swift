import CCurl
import Glibc

/// The header lines of a handle's request, as libcurl reads them: kept from request to request, since most of a line's bytes stay.
///
/// In one piece: every access to an object's variable is checked at run time.
struct HeaderList {
    private(set) var list: UnsafeMutablePointer<curl_slist>?
    /// The lines in the list, in its order; `nil` where it has to be made anew, because lines were left out.
    private var lines: [String]?
    /// The one behind them.
    private var last: (bytes: UnsafeMutablePointer<CChar>, count: Int)?
    /// Whether it ends with a line that keeps libcurl from asking before it sends a large body.
    private var refusesExpect = false

    mutating func removeAll() {
        curl_slist_free_all(list)
        list = nil
        last = nil
        lines = nil
    }

    /// Takes over a request's lines; such that would begin another header are left out.
    /// - Returns: whether the list is another one now, which the handle has to be told.
    mutating func set(_ request: CurlRequest, refusesExpect isLarge: Bool) throws(CurlError) -> Bool {
        if isLarge == refusesExpect, overwrite(request.headers), overwrite(last: request.lastHeader) { return false }
        removeAll()
        refusesExpect = isLarge
        let safe = request.headers.filter { CurlRequest.isSafe(headerLine: $0) }
        for line in safe { _ = try add(line) }
        if let line = request.lastHeader, CurlRequest.isSafe(headerLine: line), let bytes = try add(line) { last = (bytes, line.utf8.count) }
        if isLarge { _ = try add("Expect:") }
        if safe.count == request.headers.count { lines = request.headers }
        return true
    }

    /// - Returns: the copy of the line in the list.
    private mutating func add(_ line: String) throws(CurlError) -> UnsafeMutablePointer<CChar>? {
        guard let longer = curl_slist_append(list, line) else { throw CurlError(CURLE_OUT_OF_MEMORY, detail: "") }
        list = longer
        var end = longer
        while let next = end.pointee.next { end = next }
        return end.pointee.data
    }

    /// The next request's lines mostly are the same, or differ in a key of the same length: the list stays, the bytes change.
    private mutating func overwrite(_ wanted: [String]) -> Bool {
        guard let known = lines, wanted.count == known.count else { return false }
        if Self.isOne(wanted, known) { return true }
        var node = list
        for index in wanted.indices {
            guard let current = node, let data = current.pointee.data else { return false }
            node = current.pointee.next
            if equalBytes(wanted[index], known[index]) { continue }
            guard Self.copy(wanted[index], over: data, count: known[index].utf8.count) else { return false }
        }
        lines = wanted
        return true
    }

    /// Whether both are one and the same array, which needs no look at its lines.
    private static func isOne(_ left: [String], _ right: [String]) -> Bool {
        left.withUnsafeBufferPointer { one in right.withUnsafeBufferPointer { one.baseAddress == $0.baseAddress } }
    }

    private func overwrite(last line: String?) -> Bool {
        guard let line else { return last == nil }
        guard let last else { return false }
        return Self.copy(line, over: last.bytes, count: last.count)
    }

    /// - Returns: false, with nothing changed, when it is not that long or may not be sent.
    private static func copy(_ line: String, over bytes: UnsafeMutablePointer<CChar>, count: Int) -> Bool {
        guard line.utf8.count == count, CurlRequest.isSafe(headerLine: line) else { return false }
        let isCopied: Void? = line.utf8.withContiguousStorageIfAvailable { source in
            if let start = source.baseAddress { memcpy(bytes, start, source.count) }
        }
        return isCopied != nil
    }
}

/// Whether two texts are the same bytes; most are the same text in the same place.
func equalBytes(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    let isEqual: Bool?? = left.utf8.withContiguousStorageIfAvailable { one in
        right.utf8.withContiguousStorageIfAvailable { other in
            guard let first = one.baseAddress, let second = other.baseAddress, first != second else { return true }
            return memcmp(first, second, one.count) == 0
        }
    }
    return (isEqual ?? nil) ?? left.utf8.elementsEqual(right.utf8)
}
