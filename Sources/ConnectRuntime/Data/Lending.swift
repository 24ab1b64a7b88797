extension UnsafeBufferPointer {
    /// Lends an element where it stands, to be read. Read by its index it is copied, which counts up and down everything it refers to: a record
    /// refers to seven things, and where two threads work on records of one schema each count waits for the other thread's.
    ///
    /// `inout` is how Swift lends; nobody changes the element.
    @inline(__always)
    func lend<R>(_ index: Int, _ body: (inout Element) throws -> R) rethrows -> R {
        let elements = UnsafeMutableBufferPointer(mutating: self)
        return try body(&elements[index])
    }
}
