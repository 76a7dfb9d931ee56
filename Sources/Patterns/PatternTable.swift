// What the lines of a section are compiled into: flat arrays of plain values that refer to one another by index.
//
// Rules are shared by all workers. Were they a tree of arrays and strings, every step of a walk over it would count
// references up and down, on counters that all processors fight for. Here a walk reads plain memory: an expression,
// a format, a condition, an action is a few words, and its names, texts and lists are slices of the arrays of its table.
//
// Each room that compiles something has a table of its own, which holds the table of the room below it; this is the lowest.

internal import Basics

/// A slice of one of a table's arrays.
public struct TableSlice: Hashable, Sendable {
    @usableFromInline let start: Int32
    @usableFromInline let size: Int32

    @inlinable
    public init(_ range: Range<Int>) {
        start = Int32(range.lowerBound)
        size = Int32(range.count)
    }

    @inlinable public var count: Int { Int(size) }
    @inlinable public var isEmpty: Bool { size == 0 }
    @inlinable public var range: Range<Int> { Int(start)..<Int(start) &+ Int(size) }
}

/// Texts and patterns, as they grow while the file is read.
public struct PatternTable: Sendable {
    /// Names and texts, one behind the other.
    @usableFromInline var bytes: [UInt8] = []
    /// What criteria compare with.
    public var integers: [ClosedRange<Int>] = []
    var networks4: [NetworkPatterns.V4] = []
    var networks6: [NetworkPatterns.V6] = []
    public var strings: [TableSlice] = []
    public internal(set) var regularExpressions: [RegularExpression] = []
    /// What keeps them alive.
    var regularExpressionOwners: [RegularExpressionOwner] = []
    /// Where criteria and converters look values up; nil until files are read (`PatternSets.resolve`).
    public internal(set) var lookups: [PatternLookup?] = []
    /// What keeps them alive.
    var patternSets: [PatternSet] = []
    var patternUses: [PatternUse] = []
    public internal(set) var patternChanges: [PatternChange] = []

    public init() {}

    /// Keeps a text.
    public mutating func keep(_ text: some Collection<UInt8>) -> TableSlice {
        let start = bytes.count
        bytes.append(contentsOf: text)
        return TableSlice(start..<bytes.count)
    }

    /// Keeps the bytes of a text of the file.
    public mutating func keep(_ text: String) -> TableSlice { keep(text.verbatimBytes) }

    /// The bytes of a text.
    public func text(_ stretch: TableSlice) -> [UInt8] { Array(bytes[stretch.range]) }
}

/// The arrays when all lines have been read: what is run. A room above adds its arrays in a subclass, so that its program is
/// one for the rooms below as well.
@safe
open class PatternProgram: @unchecked Sendable {
    public final let patterns: PatternTable
    /// The table's bytes once more, where a span of them can outlive the access to a property.
    @usableFromInline final let bytes: UnsafeMutableRawBufferPointer

    public init(_ table: PatternTable) {
        patterns = table
        unsafe bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: table.bytes.count, alignment: 1)
        unsafe bytes.copyBytes(from: table.bytes)
    }

    deinit { unsafe bytes.deallocate() }

    /// The bytes of a text.
    @inlinable @inline(__always)
    @_lifetime(borrow self)
    public final func text(_ stretch: TableSlice) -> RawSpan {
        // Safe: the bytes never change and live as long as this object does.
        let all = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes))
        return unsafe _overrideLifetime(all, borrowing: self).extracting(stretch.range)
    }
}
