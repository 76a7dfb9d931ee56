// Counters without contention: each thread writes its own row, a reader sums over the rows.

public import Synchronization

/// A table of counters with one row per thread. Each row has a single writer. Any thread may read at any time; relaxed
/// loads may return slightly old values.
@safe
public final class PerThreadCounters: @unchecked Sendable {
    // Rows are padded to whole cache lines, to avoid false sharing between threads.
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

    /// Adds to a counter in the calling thread's own row.
    ///
    /// Always inlined: around an opaque call the compiler would retain and release the object that holds the table,
    /// which costs several times as much as the addition.
    @inlinable @inline(__always)
    public func add(_ amount: UInt64 = 1, row: Int, column: Int) {
        self.row(row).add(amount, column: column)
    }

    /// One row, for several additions. It must not outlive the table.
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

    /// The maximum of a column over all rows.
    public func maximum(_ column: Int) -> UInt64 {
        Swift.precondition(column >= 0 && column < columns)
        var highest: UInt64 = 0
        for row in 0..<rows { unsafe highest = max(highest, slots[row * stride + column].load(ordering: .relaxed)) }
        return highest
    }
}

/// The calling thread's own row of a table. Copying it retains nothing.
@safe
public struct CounterRow {
    @usableFromInline let slots: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let columns: Int

    @inlinable init(slots: UnsafeMutablePointer<Atomic<UInt64>>, columns: Int) {
        unsafe self.slots = slots
        self.columns = columns
    }

    /// Adds to a counter; returns its new value.
    @discardableResult @inlinable @inline(__always)
    public func add(_ amount: UInt64 = 1, column: Int) -> UInt64 {
        Swift.precondition(UInt(bitPattern: column) < UInt(bitPattern: columns))
        let slot = unsafe slots + column
        // The row has a single writer: a load and a store suffice, without a locked instruction.
        let sum = unsafe slot.pointee.load(ordering: .relaxed) &+ amount
        unsafe slot.pointee.store(sum, ordering: .relaxed)
        return sum
    }

    /// Raises a counter to `value` if it is lower.
    @inlinable @inline(__always)
    public func raise(to value: UInt64, column: Int) {
        Swift.precondition(UInt(bitPattern: column) < UInt(bitPattern: columns))
        let slot = unsafe slots + column
        if unsafe value > slot.pointee.load(ordering: .relaxed) { unsafe slot.pointee.store(value, ordering: .relaxed) }
    }

    /// Sets a counter to `value`.
    @inlinable @inline(__always)
    public func set(_ value: UInt64, column: Int) {
        Swift.precondition(UInt(bitPattern: column) < UInt(bitPattern: columns))
        unsafe (slots + column).pointee.store(value, ordering: .relaxed)
    }
}

/// A number that any thread may change, and the highest value it has had.
public final class Gauge: Sendable {
    @usableFromInline internal let value = Atomic<Int>(0)
    @usableFromInline internal let highest = Atomic<Int>(0)
    private let recentHighest = Atomic<Int>(0)

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

    /// Adds one if the result is at most `limit`; returns whether it did. Does not update the maximum: see
    /// `noteMaximum`.
    public func reserve(upTo limit: Int) -> Bool {
        // Compare-and-exchange, because an add that exceeds the limit and is undone would make a concurrent call fail
        // although there is room.
        var now = value.load(ordering: .relaxed)
        while now < limit {
            let (isTaken, seen) = value.weakCompareExchange(expected: now, desired: now + 1, ordering: .relaxed)
            if isTaken { return true }
            now = seen
        }
        return false
    }

    /// Updates the maximum with the current value.
    public func noteMaximum() {
        let now = value.load(ordering: .relaxed)
        if now > highest.load(ordering: .relaxed) { highest.max(now, ordering: .relaxed) }
        if now > recentHighest.load(ordering: .relaxed) { recentHighest.max(now, ordering: .relaxed) }
    }

    /// The highest value that `noteMaximum` saw since the last call, and at least the current one. For one caller.
    public func takeRecentMaximum() -> Int { max(recentHighest.exchange(current, ordering: .relaxed), current) }
}
