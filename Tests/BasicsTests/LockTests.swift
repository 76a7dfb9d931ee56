// The lock that every room uses.

import Basics
import Dispatch
import Foundation
import Testing

@Suite struct LockTests {
    private final class Sum: Sendable {
        let value = Lock(0)
    }

    private struct Refused: Error {}

    @Test func `of many threads one at a time touches the value`() {
        let sum = Sum()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<10_000 { sum.value.withLock { $0 += 1 } }
        }
        #expect(sum.value.withLock { $0 } == 40_000)
    }

    @Test func `a lock that is held is not available, and is again afterwards`() {
        let sum = Sum()
        let found = Lock<Int?>(-1)
        sum.value.withLock { _ in
            let attempt = DispatchGroup()
            DispatchQueue.global().async(group: attempt) {
                let value = sum.value.withLockIfAvailable { $0 }
                found.withLock { $0 = value }
            }
            attempt.wait()
        }
        #expect(found.withLock { $0 } == nil)
        #expect(sum.value.withLockIfAvailable { $0 } == 0)
    }

    @Test func `a body that throws leaves the lock free, and its change in place`() {
        let sum = Sum()
        #expect(throws: Refused.self) {
            try sum.value.withLock { value throws(Refused) in
                value = 7
                throw Refused()
            }
        }
        #expect(sum.value.withLock { $0 } == 7)
    }

    @Test func `a value that cannot be copied is kept, and destroyed with its lock`() {
        final class Witness: Sendable { let lock = Lock(0) }
        struct Owner: ~Copyable {
            let witness: Witness
            deinit { witness.lock.withLock { $0 += 1 } }
        }
        let witness = Witness()
        do {
            let lock = Lock(Owner(witness: witness))
            lock.withLock { _ in }
            #expect(witness.lock.withLock { $0 } == 0)
        }
        #expect(witness.lock.withLock { $0 } == 1)
    }

    @Test func `no other source has a lock, which ThreadSanitizer might not see`() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        let names = try #require(FileManager.default.enumerator(atPath: sources.path)).compactMap { $0 as? String }
        try #require(names.contains("Basics/Lock.swift"))
        for name in names where name.hasSuffix(".swift") && name != "Basics/Lock.swift" {
            let text = try String(contentsOf: sources.appendingPathComponent(name), encoding: .utf8)
            #expect(text.firstMatch(of: /\bMutex\b|pthread_mutex|NSLock/) == nil, "\(name): use Lock")
        }
    }
}
