// A table of slots whose handles carry a generation: looking up a stale handle returns nil, never the slot's next
// occupant.

/// A reference to the occupant of a slot: the slot's index and the generation at the time of insertion.
public struct SlotHandle: Equatable, Hashable, Sendable {
    public let index: UInt32
    public let generation: UInt32

    @inlinable public init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Index and generation in one word, as stored in epoll events.
    @inlinable public var packed: UInt64 { UInt64(generation) << 32 | UInt64(index) }
    @inlinable public init(packed: UInt64) {
        self.init(index: UInt32(truncatingIfNeeded: packed), generation: UInt32(truncatingIfNeeded: packed >> 32))
    }
}

/// A table of objects with stable indices. Indices are reused, handles are not.
public struct Slab<Element: AnyObject> {
    @usableFromInline internal struct Slot {
        @usableFromInline var generation: UInt32
        @usableFromInline var element: Element?

        @usableFromInline init(generation: UInt32, element: Element?) {
            self.generation = generation
            self.element = element
        }
    }
    @usableFromInline internal var slots: [Slot] = []
    @usableFromInline internal var free: [UInt32] = []

    public init() {}

    /// The number of occupied slots.
    @inlinable public var count: Int { slots.count - free.count }
    /// The number of slots ever used; all indices are below it.
    @inlinable public var capacity: Int { slots.count }

    @inlinable public mutating func insert(_ element: Element) -> SlotHandle {
        if let index = free.popLast() {
            slots[Int(index)].element = element
            return SlotHandle(index: index, generation: slots[Int(index)].generation)
        }
        slots.append(Slot(generation: 1, element: element))
        return SlotHandle(index: UInt32(slots.count - 1), generation: 1)
    }

    /// The object that the handle refers to; nil if it has been removed.
    @inlinable public subscript(_ handle: SlotHandle) -> Element? {
        let index = Int(handle.index)
        guard index < slots.count, slots[index].generation == handle.generation else { return nil }
        return slots[index].element
    }

    /// The object at a position below `capacity`; nil if the slot is free.
    @inlinable public func element(at index: Int) -> Element? { slots[index].element }

    /// Removes the object and invalidates its handle. Traps if the handle is stale.
    @inlinable public mutating func remove(_ handle: SlotHandle) {
        let index = Int(handle.index)
        precondition(
            index < slots.count && slots[index].generation == handle.generation && slots[index].element != nil,
            "slot \(handle.index) generation \(handle.generation) is not occupied")
        slots[index].element = nil
        slots[index].generation &+= 1
        free.append(handle.index)
    }

    /// All objects, in slot order.
    public var elements: [Element] { slots.compactMap(\.element) }
}
