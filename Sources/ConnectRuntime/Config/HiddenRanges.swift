/// Hides parts of a text, and puts them back into a text that was read that way.
enum HiddenRanges {
    static func hide(_ bytes: [UInt8], _ ranges: [Range<Int>]) -> String {
        var out: [UInt8] = []
        var last = 0
        for range in ranges {
            let found = String(decoding: bytes[range], as: UTF8.self)
            if range.isEmpty || ReferenceResolver.isOnlyReferences(found) { continue }
            out += bytes[last..<range.lowerBound]
            out += Array(Secret.hidden.utf8)
            last = range.upperBound
        }
        return String(decoding: out + bytes[last...], as: UTF8.self)
    }

    /// `nil` when the hidden parts do not stand in the same number of places.
    static func restore(_ bytes: [UInt8], _ places: [Range<Int>], from old: [UInt8], _ oldPlaces: [Range<Int>]) -> String? {
        guard places.count == oldPlaces.count, !places.isEmpty else { return nil }
        var out: [UInt8] = []
        var last = 0
        for (place, oldPlace) in zip(places, oldPlaces) {
            out += bytes[last..<place.lowerBound]
            let isHidden = bytes[place].elementsEqual(Secret.hidden.utf8)
            out += isHidden ? old[oldPlace] : bytes[place]
            last = place.upperBound
        }
        let whole = String(decoding: out + bytes[last...], as: UTF8.self)
        return whole.contains(Secret.hidden) ? nil : whole
    }
}
