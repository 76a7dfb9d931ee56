// A table of slots whose handles carry a generation, so that a handle outlives its slot harmlessly:
// looking up a stale handle gives nil by comparison, never a stranger.

/// Names one slot at one time.
public struct SlotHandle: Equatable, Hashable, Sendable {
    public let index: UInt32
    public let generation: UInt32

    @inlinable public init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Both halves in one word, as the kernel's event queue carries it.
    @inlinable public var packed: UInt64 { UInt64(generation) << 32 | UInt64(index) }
    @inlinable public init(packed: UInt64) {
        self.init(index: UInt32(truncatingIfNeeded: packed), generation: UInt32(truncatingIfNeeded: packed >> 32))
    }
}

/// Slots for objects that come and go; indices are reused, handles are not.
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

    /// Occupied slots.
    @inlinable public var count: Int { slots.count - free.count }
    /// Slots ever used: indices are below this.
    @inlinable public var capacity: Int { slots.count }

    @inlinable public mutating func insert(_ element: Element) -> SlotHandle {
        if let index = free.popLast() {
            slots[Int(index)].element = element
            return SlotHandle(index: index, generation: slots[Int(index)].generation)
        }
        slots.append(Slot(generation: 1, element: element))
        return SlotHandle(index: UInt32(slots.count - 1), generation: 1)
    }

    /// What the handle names, or nil if that has gone.
    @inlinable public subscript(_ handle: SlotHandle) -> Element? {
        let index = Int(handle.index)
        guard index < slots.count, slots[index].generation == handle.generation else { return nil }
        return slots[index].element
    }

    /// Empties the slot; the handle, and every copy of it, names nothing from now on.
    @inlinable public mutating func remove(_ handle: SlotHandle) {
        let index = Int(handle.index)
        precondition(
            index < slots.count && slots[index].generation == handle.generation && slots[index].element != nil,
            "slot \(handle.index) generation \(handle.generation) is not occupied")
        slots[index].element = nil
        slots[index].generation &+= 1
        free.append(handle.index)
    }

    /// Every occupant, in slot order.
    public var elements: [Element] { slots.compactMap(\.element) }
}
