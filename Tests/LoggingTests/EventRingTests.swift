// Which lines a ring keeps, replaces and drops.

import Basics
import Testing

@testable import Logging

@Suite struct EventRingTests {
    private func ring(_ capacity: Int = 1_024, servers: Int = 0) -> EventRing {
        let server = RingServer(address: .ip(.loopbackV4, port: 1))
        return EventRing(
            name: "r", description: "a ring", capacity: capacity, servers: Array(repeating: server, count: servers))
    }

    private func lines(_ ring: EventRing, from position: UInt64 = 0) -> [String] {
        var position = position
        var out: [UInt8] = []
        ring.read(from: &position, into: &out, delimiter: 0x0A)
        #expect(position == ring.end)
        return String(decoding: out, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            .map(String.init)
    }

    private func append(_ text: String, to ring: EventRing) -> Bool { ring.append(Array(text.utf8)[...]) }

    @Test func `the newest lines are there, in order, however often the end was passed`() {
        let ring = ring(100)
        for i in 0..<1_000 { #expect(append("line \(i)", to: ring)) }
        let kept = lines(ring)
        #expect(kept == (1_000 - kept.count..<1_000).map { "line \($0)" })
        // Twelve bytes per line, including its length.
        #expect(kept.count == 8)
        #expect(ring.dropped == 0)
    }

    @Test func `a reader goes on where it was, and where lines are gone, at the oldest`() {
        let ring = ring(100)
        #expect(append("one", to: ring) && append("two", to: ring))
        let position = ring.end
        #expect(append("three", to: ring))
        #expect(lines(ring, from: position) == ["three"])
        for i in 0..<50 { #expect(append("line \(i)", to: ring)) }
        #expect(lines(ring, from: position).last == "line 49")
        #expect(lines(ring, from: position) == lines(ring))
    }

    @Test func `a reader takes no more than it asks for, in whole lines`() {
        let ring = ring()
        for i in 0..<10 { #expect(append("line \(i)", to: ring)) }
        var position: UInt64 = 0
        var out: [UInt8] = []
        ring.read(from: &position, into: &out, delimiter: 0, bytesMax: 10)
        #expect(out == Array("line 0\0line 1\0".utf8))
    }

    @Test func `a line longer than the ring is cut, an empty one is a line`() {
        let ring = ring(64)
        #expect(append(String(repeating: "x", count: 100), to: ring))
        #expect(lines(ring) == [String(repeating: "x", count: 60)])
        #expect(append("", to: ring))
        #expect(lines(ring) == [""])
    }

    @Test func `what a server has not had is not forgotten for a new line`() {
        let ring = ring(64, servers: 1)
        for i in 0..<5 { #expect(append("a line \(i)", to: ring)) }
        // Twelve bytes per line, including its length: sixty bytes of the ring are used.
        #expect(!append("a line 5", to: ring))
        #expect(lines(ring).count == 5 && ring.countWaiting(for: 0) == 5)

        var out: [UInt8] = []
        var ends: [Int] = []
        ring.moveLines(for: 0, into: &out, ends: &ends, bytesMax: 10)
        #expect(out == Array("a line 0\na line 1\n".utf8) && ends == [9, 18])
        #expect(append("a line 5", to: ring) && append("a line 6", to: ring))
        #expect(!append("a line 7", to: ring))
        ring.moveLines(for: 0, into: &out, ends: &ends, bytesMax: .max)
        #expect(!ring.waiting(for: 0) && ends.count == 7)
    }

    @Test func `the slowest of two servers decides`() {
        let ring = ring(64, servers: 2)
        for i in 0..<5 { #expect(append("a line \(i)", to: ring)) }
        var out: [UInt8] = []
        var ends: [Int] = []
        ring.moveLines(for: 0, into: &out, ends: &ends, bytesMax: .max)
        #expect(!append("a line 5", to: ring))
        ring.moveLines(for: 1, into: &out, ends: &ends, bytesMax: .max)
        #expect(append("a line 5", to: ring))
    }
}
