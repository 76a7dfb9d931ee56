// The ring between a thread that logs and the logger thread.

import Basics
import Chance
import Foundation
import Glibc
import Testing

@testable import Logging

@Suite struct LogRingTests {
    private let record = LogRecord(
        targets: 3, level: .notice, content: .text, time: WallTime(seconds: 7, microseconds: 9))

    @Test func `Lines come out in order, whole, with what was noted of them, over many rounds of the ring`() {
        let ring = LogRing(capacity: 4_096)
        var random = SeededRandom(seed: 42)
        var expected: [[UInt8]] = []
        var sent = 0
        var line: [UInt8] = []
        while sent < 5_000 {
            let text = Array(repeating: UInt8(truncatingIfNeeded: sent), count: Int.random(in: 0...700, using: &random))
            if push(ring, text) {
                expected.append(text)
                sent += 1
            }
            if Bool.random(using: &random), let popped = ring.pop(into: &line) {
                #expect(popped == record)
                #expect(line == expected.removeFirst())
            }
        }
        while ring.pop(into: &line) != nil { #expect(line == expected.removeFirst()) }
        #expect(expected.isEmpty)
        #expect(ring.isEmpty)
    }

    @Test func `A full ring drops whole lines and counts each`() {
        let ring = LogRing(capacity: 4_096)
        let line = [UInt8](repeating: 1, count: 1_000)
        // 1,000 bytes and a header of 24: four lines fill the ring exactly.
        for _ in 0..<4 { #expect(push(ring, line)) }
        #expect(ring.lost == 0)
        for _ in 0..<5 { #expect(!push(ring, line)) }
        #expect(ring.lost == 5)
        var out: [UInt8] = []
        #expect(ring.pop(into: &out) != nil)
        #expect(out == line)
        #expect(push(ring, line))
        #expect(ring.lost == 5)
    }

    @Test func `A line longer than any target takes is cut`() {
        let ring = LogRing(capacity: 1 << 18)
        #expect(push(ring, [UInt8](repeating: 5, count: 100_000)))
        var out: [UInt8] = []
        _ = ring.pop(into: &out)
        #expect(out.count == 65_535)
    }

    @Test func `What one thread writes, another reads unchanged`() {
        let ring = LogRing(capacity: 4_096)
        let count = 100_000
        let writer = Thread { [record] in
            var i = 0
            while i < count {
                var text: [UInt8] = []
                text.append(decimal: i)
                if unsafe ring.push(record, text.span.bytes) { i += 1 } else { sched_yield() }
            }
        }
        writer.start()
        var line: [UInt8] = []
        var next = 0
        while next < count {
            guard ring.pop(into: &line) != nil else {
                sched_yield()
                continue
            }
            #expect(String(decoding: line, as: UTF8.self) == "\(next)")
            next += 1
        }
    }

    private func push(_ ring: LogRing, _ line: [UInt8]) -> Bool { unsafe ring.push(record, line.span.bytes) }
}
