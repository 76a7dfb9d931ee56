// Slots and their handles: a handle finds the object it was returned for, or nothing.

import Basics
import Testing

@Suite struct SlabTests {
    private final class Thing {
        let name: String
        init(_ name: String) { self.name = name }
    }

    @Test func `a handle finds its thing`() {
        var slab = Slab<Thing>()
        let a = slab.insert(Thing("a"))
        let b = slab.insert(Thing("b"))
        #expect(slab[a]?.name == "a" && slab[b]?.name == "b")
        #expect(slab.count == 2 && slab.capacity == 2)
        #expect(slab.elements.map(\.name) == ["a", "b"])
    }

    @Test func `a stale handle misses, also after its slot has a new tenant`() {
        var slab = Slab<Thing>()
        let old = slab.insert(Thing("old"))
        slab.remove(old)
        #expect(slab[old] == nil)

        let new = slab.insert(Thing("new"))
        #expect(new.index == old.index && new.generation != old.generation)
        #expect(slab[old] == nil)
        #expect(slab[new]?.name == "new")
        #expect(slab.count == 1 && slab.capacity == 1)
    }

    @Test func `a handle of nowhere misses`() {
        var slab = Slab<Thing>()
        let nowhere = SlotHandle(index: 0, generation: 0)
        #expect(slab[nowhere] == nil)
        _ = slab.insert(Thing("a"))
        #expect(slab[nowhere] == nil, "generation 0 is never given out at first")
        #expect(slab[SlotHandle(index: 7, generation: 1)] == nil)
    }

    @Test func `slots are used again before new ones are made`() {
        var slab = Slab<Thing>()
        for round in 0..<1_000 {
            let handles = (0..<3).map { slab.insert(Thing("\(round) \($0)")) }
            for handle in handles { slab.remove(handle) }
        }
        #expect(slab.capacity == 3 && slab.count == 0 && slab.elements.isEmpty)
    }

    @Test func `a removed thing is let go`() {
        var slab = Slab<Thing>()
        weak var thing: Thing?
        let handle = {
            let own = Thing("x")
            thing = own
            return slab.insert(own)
        }()
        #expect(thing != nil)
        slab.remove(handle)
        #expect(thing == nil)
    }

    @Test(
        arguments: [(0, 1), (7, 3), (UInt32.max, UInt32.max), (0, UInt32.max), (UInt32.max, 0)] as [(UInt32, UInt32)])
    func `a handle goes through one word and back`(_ index: UInt32, _ generation: UInt32) {
        let handle = SlotHandle(index: index, generation: generation)
        #expect(SlotHandle(packed: handle.packed) == handle)
    }

    @Test func `emptying a slot twice is our own mistake`() async {
        await #expect(processExitsWith: .failure) {
            var slab = Slab<Thing>()
            let handle = slab.insert(Thing("a"))
            slab.remove(handle)
            slab.remove(handle)
        }
    }
}
