// Bytes in arrays and spans: what the rooms above do to them at each exchange.

extension RawSpan {
    /// The index of the first byte at `start` or behind it that passes the test; `byteCount` if there is none.
    @inlinable @inline(__always)
    public func firstIndex(from start: Int, where test: (UInt8) -> Bool) -> Int {
        precondition(start >= 0, "a search that begins at \(start)")
        var i = start
        // Safe: i is below byteCount.
        while i < byteCount, !test(unsafe unsafeLoad(fromUncheckedByteOffset: i, as: UInt8.self)) { i &+= 1 }
        return i
    }
}

extension [UInt8] {
    /// More is seldom needed, and too much to be kept by each of many exchanges.
    @usableFromInline static var capacityKept: Int { 64 << 10 }

    /// Removes all bytes and keeps their memory, unless it is unusually much.
    public mutating func empty() {
        // Mostly there is nothing to do, and finding that out in the library costs more.
        if isEmpty && capacity <= Self.capacityKept { return }
        removeAll(keepingCapacity: capacity <= Self.capacityKept)
    }
}
