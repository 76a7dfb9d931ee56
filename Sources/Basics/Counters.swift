// Counters that cost a plain add: each thread writes its own row, a reader adds the rows up.

public import Synchronization

/// Rows of counters, one row a thread. A row has a single writer; anyone may read at any time and sees
/// values that are current to within a moment.
@safe
public final class PerThreadCounters: @unchecked Sendable {
    // Rows are padded to whole cache lines, so that two threads never write to the same line.
    private static let slotsPerLine = 8
    @usableFromInline internal let slots: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline internal let stride: Int
    public let rows: Int
    public let columns: Int

    public init(rows: Int, columns: Int) {
        precondition(rows > 0 && columns > 0, "a sheet of \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        stride = (columns + Self.slotsPerLine - 1) / Self.slotsPerLine * Self.slotsPerLine
        unsafe slots = UnsafeMutablePointer.allocate(capacity: rows * stride)
        for i in 0..<rows * stride { unsafe (slots + i).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe slots.deinitialize(count: rows * stride)
        unsafe slots.deallocate()
    }

    /// Adds to a cell of the calling thread's own row.
    ///
    /// Always inlined: around a call that the compiler cannot look into, the object that holds the sheet would be retained
    /// and released, which costs several times what is done here.
    @inlinable @inline(__always)
    public func add(_ amount: UInt64 = 1, row: Int, column: Int) {
        self.row(row).add(amount, column: column)
    }

    /// One row, for several additions. It must not be used when the sheet is gone.
    @inlinable @inline(__always)
    public func row(_ index: Int) -> CounterRow {
        precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
        return unsafe CounterRow(slots: slots + index &* stride, columns: columns)
    }

    /// The sum of a column over all rows.
    public func total(_ column: Int) -> UInt64 {
        Swift.precondition(column >= 0 && column < columns)
        var sum: UInt64 = 0
        for row in 0..<rows { unsafe sum &+= slots[row * stride + column].load(ordering: .relaxed) }
        return sum
    }

    /// The highest value of a column in any row.
    public func maximum(_ column: Int) -> UInt64 {
        Swift.precondition(column >= 0 && column < columns)
        var highest: UInt64 = 0
        for row in 0..<rows { unsafe highest = max(highest, slots[row * stride + column].load(ordering: .relaxed)) }
        return highest
    }
}

/// The calling thread's own row of a sheet. Copying it counts no reference.
@safe
public struct CounterRow {
    @usableFromInline let slots: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let columns: Int

    @inlinable init(slots: UnsafeMutablePointer<Atomic<UInt64>>, columns: Int) {
        unsafe self.slots = slots
        self.columns = columns
    }

    /// Adds to a cell; returns its new value.
    @discardableResult @inlinable @inline(__always)
    public func add(_ amount: UInt64 = 1, column: Int) -> UInt64 {
        Swift.precondition(UInt(bitPattern: column) < UInt(bitPattern: columns))
        let slot = unsafe slots + column
        // One writer a row: a load and a store, no locked instruction.
        let sum = unsafe slot.pointee.load(ordering: .relaxed) &+ amount
        unsafe slot.pointee.store(sum, ordering: .relaxed)
        return sum
    }

    /// Puts `value` into a cell that holds less.
    @inlinable @inline(__always)
    public func raise(to value: UInt64, column: Int) {
        Swift.precondition(UInt(bitPattern: column) < UInt(bitPattern: columns))
        let slot = unsafe slots + column
        if unsafe value > slot.pointee.load(ordering: .relaxed) { unsafe slot.pointee.store(value, ordering: .relaxed) }
    }

    /// Puts `value` into a cell.
    @inlinable @inline(__always)
    public func set(_ value: UInt64, column: Int) {
        Swift.precondition(UInt(bitPattern: column) < UInt(bitPattern: columns))
        unsafe (slots + column).pointee.store(value, ordering: .relaxed)
    }
}

/// A number now and the highest it has been, changed by any thread.
public final class Gauge: Sendable {
    @usableFromInline internal let value = Atomic<Int>(0)
    @usableFromInline internal let highest = Atomic<Int>(0)

    public init() {}

    @inlinable public var current: Int { value.load(ordering: .relaxed) }
    public var maximum: Int { highest.load(ordering: .relaxed) }

    /// Adds one and returns the new value.
    @discardableResult @inlinable @inline(__always)
    public func increment() -> Int {
        let now = value.wrappingAdd(1, ordering: .relaxed).newValue
        if now > highest.load(ordering: .relaxed) { highest.max(now, ordering: .relaxed) }
        return now
    }

    @discardableResult @inlinable @inline(__always)
    public func decrement() -> Int {
        let now = value.wrappingSubtract(1, ordering: .relaxed).newValue
        precondition(now >= 0, "a gauge fell below zero")
        return now
    }

    /// Adds one if the result is at most `limit`; says whether it did. The maximum waits for `noteMaximum`.
    public func reserve(upTo limit: Int) -> Bool {
        // Never above the limit, not even for a moment: somebody else would be refused a place that is free.
        var now = value.load(ordering: .relaxed)
        while now < limit {
            let (isTaken, seen) = value.weakCompareExchange(expected: now, desired: now + 1, ordering: .relaxed)
            if isTaken { return true }
            now = seen
        }
        return false
    }

    /// Takes the value now into account for the maximum.
    public func noteMaximum() {
        let now = value.load(ordering: .relaxed)
        if now > highest.load(ordering: .relaxed) { highest.max(now, ordering: .relaxed) }
    }
}
