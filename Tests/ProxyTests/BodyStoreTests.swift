// A store returns the stored bytes in order, from memory and file, and leaves no file behind.

import Basics
import Chance
import Foundation
import KernelSimulation
import Testing

@testable import Proxy

/// A store with small blocks, and its expected contents.
private final class Trial {
    let pool = BufferPool(blockBytes: 256)
    let store: BodyStore
    private var nextByte: UInt8 = 0
    /// All bytes stored.
    var expected: [UInt8] = []
    /// All bytes read since the last rewind.
    var taken: [UInt8] = []

    init(_ limits: BodyBuffering, keeps: Bool = false) {
        store = BodyStore(limits, keeps: keeps, pool: pool)
    }

    /// Stores `count` bytes, each different from its neighbours.
    func put(_ count: Int) {
        var left = count
        while left > 0 {
            left -= store.put { buffer in
                let bytes = (0..<min(left, buffer.room)).map { _ in
                    nextByte = nextByte == 250 ? 0 : nextByte + 1
                    return nextByte
                }
                expected += bytes
                let fits = buffer.append(bytes)
                #expect(fits && !bytes.isEmpty)
                return bytes.count
            }
        }
    }

    /// Reads once, into a buffer that holds `held` bytes already.
    func take(held: Int = 0) -> Bool {
        var output = ByteBuffer()
        output.acquire(from: pool)
        defer { output.release(to: pool) }
        let fits = output.append([UInt8](repeating: 255, count: held))
        #expect(fits)
        guard store.take(into: &output) else { return false }
        output.consume(held)
        taken += (0..<output.count).map { output.readable[$0] }
        return true
    }

    func takeAll() {
        while !store.isDrained { #expect(take()) }
    }

    func end() {
        store.release()
        #expect(pool.lent == 0)
    }
}

private func limits(memory: Int, spill: Int? = nil, in directory: String = NSTemporaryDirectory()) -> BodyBuffering {
    BodyBuffering(memoryBytesMax: memory, spill: spill.map { .init(directory: directory, bytesMax: $0) })
}

@Suite struct BodyStoreTests {
    @Test func bytesComeOutInOrder() {
        let trial = Trial(limits(memory: 10_000))
        trial.put(1_000)
        trial.takeAll()
        #expect(trial.taken == trial.expected)
        trial.end()
    }

    @Test("A byte at a time fills blocks, not a block each")
    func singleBytes() {
        let trial = Trial(limits(memory: 10_000))
        for _ in 0..<1_000 { trial.put(1) }
        #expect(trial.pool.lent <= 1_000 / (256 - BodyStore.roomMin) + 1)
        trial.takeAll()
        #expect(trial.taken == trial.expected)
        trial.end()
    }

    @Test("Beyond the memory a file takes the rest, and memory stays within its limit")
    func spilling() {
        let trial = Trial(limits(memory: 1_024, spill: 100_000))
        trial.put(50_000)
        #expect(trial.pool.lent == 4)
        #expect(trial.store.waiting == 50_000)
        #expect(!trial.store.isFull)
        trial.takeAll()
        #expect(trial.taken == trial.expected)
        trial.put(100)
        #expect(trial.pool.lent == 1, "an emptied store uses memory again")
        trial.takeAll()
        #expect(trial.taken == trial.expected)
        trial.end()
    }

    @Test("What is full says so, with a file and without")
    func fullness() {
        for limits in [limits(memory: 1_000), limits(memory: 300, spill: 1_000)] {
            let trial = Trial(limits)
            trial.put(999)
            #expect(!trial.store.isFull)
            trial.put(1)
            #expect(trial.store.isFull)
            #expect(trial.take())
            #expect(!trial.store.isFull)
            trial.end()
        }
    }

    @Test("A store that keeps can be read again, from memory and file, in the middle of the first reading too")
    func rewinding() {
        for limits in [limits(memory: 10_000), limits(memory: 512, spill: 10_000)] {
            let trial = Trial(limits, keeps: true)
            trial.put(5_000)
            for takes in [1, 3, 12, 0] {
                trial.taken = []
                trial.store.rewind()
                for _ in 0..<takes { #expect(trial.take(held: 17)) }
                #expect(trial.taken == Array(trial.expected.prefix(trial.taken.count)))
            }
            trial.takeAll()
            #expect(trial.taken == trial.expected)
            trial.end()
        }
    }

    @Test("More may come into a store that was read to its end")
    func readToTheEndAndOn() {
        for keeps in [false, true] {
            let trial = Trial(limits(memory: 512, spill: 10_000), keeps: keeps)
            for count in [100, 100, 400, 300, 1, 2_000] {
                trial.put(count)
                trial.takeAll()
                #expect(trial.taken == trial.expected)
            }
            trial.end()
        }
    }

    @Test("Where no file can be made nothing is lost: the store is full, and goes on in memory when that was taken")
    func noFile() {
        let trial = Trial(limits(memory: 512, spill: 10_000, in: "/nowhere/at/all"))
        trial.put(512)
        #expect(trial.store.spillFailure == nil)
        trial.put(100)
        #expect(trial.store.spillFailure.map { "\($0)" } == "No such file or directory")
        #expect(trial.store.isFull)
        trial.takeAll()
        #expect(trial.taken == trial.expected)
        #expect(!trial.store.isFull)
        trial.put(511)
        #expect(!trial.store.isFull)
        trial.put(1)
        #expect(trial.store.isFull)
        trial.takeAll()
        #expect(trial.taken == trial.expected)
        trial.end()
    }

    @Test("Whatever order bytes are put in and taken out")
    func anyOrder() {
        for seed in 1...200 {
            var random = SeededRandom(seed: UInt64(seed))
            let keeps = random.oneIn(3)
            let spill = random.oneIn(2) ? 20_000 : nil
            let trial = Trial(limits(memory: random.number(1...3_000), spill: spill), keeps: keeps)
            for _ in 0..<random.number(1...200) {
                if random.oneIn(2) && !trial.store.isFull {
                    trial.put(random.number(1...400))
                } else if !trial.store.isDrained {
                    #expect(trial.take(held: random.oneIn(2) ? 0 : random.number(0...255)))
                } else if keeps && random.oneIn(10) {
                    trial.store.rewind()
                    trial.taken = []
                }
                #expect(trial.store.waiting == trial.expected.count - trial.taken.count)
            }
            trial.takeAll()
            #expect(trial.taken == trial.expected, "seed \(seed)")
            trial.end()
        }
    }
}
