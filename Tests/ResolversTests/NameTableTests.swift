// The name table: queries, waiters, cached answers, and limits.

import Basics
import Testing

@testable import Resolvers

@Suite struct NameTableTests {
    private let table = NameTable()
    private let start = Instant(nanoseconds: 1_000_000_000)
    private let address = IPAddress.v4(0x0A00_0001)

    private func waiter(_ number: UInt64) -> NameWaiter { NameWaiter(worker: 0, owner: number, ticket: number) }

    @Test func `all who ask for a name at a time wait for one look-up`() {
        #expect((1...3).map { table.ask(key("a.test"), for: waiter($0), now: start) } == [.waits, .waits, .waits])
        #expect(table.takeQuestions().map(\.name) == ["a.test"])
        #expect(table.ask(key("a.test"), for: waiter(4), now: start) == .waits)
        #expect(table.takeQuestions().isEmpty)
        let told = table.settle(key("a.test"), address, hold: .seconds(10), now: start)
        #expect(told == (1...4).map(waiter))
    }

    @Test func `an address is known for as long as it is held`() {
        _ = table.ask(key("a.test"), for: waiter(1), now: start)
        _ = table.settle(key("a.test"), address, hold: .seconds(10), now: start)
        #expect(table.ask(key("a.test"), for: waiter(2), now: start + .milliseconds(9_999)) == .known(address))
        #expect(table.ask(key("A.TEST."), for: waiter(2), now: start) == .known(address))
        #expect(table.ask(key("a.test"), for: waiter(2), now: start + .seconds(10)) == .waits)
    }

    @Test func `the two families are two questions`() {
        _ = table.ask(key("a.test", .v4), for: waiter(1), now: start)
        _ = table.ask(key("a.test", .v6), for: waiter(2), now: start)
        let questions = table.takeQuestions()
        #expect(questions.map(\.name) == ["a.test", "a.test"] && questions.map(\.family) == [.v4, .v6])
    }

    @Test func `that there is no address is not remembered`() {
        _ = table.ask(key("a.test"), for: waiter(1), now: start)
        #expect(table.settle(key("a.test"), nil, hold: .seconds(10), now: start) == [waiter(1)])
        #expect(table.ask(key("a.test"), for: waiter(2), now: start) == .waits)
        #expect(table.counts == (0, 1))
    }

    @Test func `no more names are looked up at a time than there is room for`() {
        for number in 0..<NameTable.questionsMax {
            #expect(table.ask(key("n\(number).test"), for: waiter(1), now: start) == .waits)
        }
        #expect(table.ask(key("another.test"), for: waiter(1), now: start) == .unknown)
        #expect(table.ask(key("n7.test"), for: waiter(1), now: start) == .waits)
        _ = table.settle(key("n8.test"), nil, hold: .zero, now: start)
        #expect(table.ask(key("another.test"), for: waiter(1), now: start) == .waits)
    }

    @Test func `no more wait than there is room for, and who was told makes room`() {
        for number in 0..<NameTable.waitersMax {
            guard table.ask(key("n\(number % 2).test"), for: waiter(1), now: start) == .waits else {
                Issue.record("waiter \(number) is turned away")
                return
            }
        }
        #expect(table.ask(key("n0.test"), for: waiter(1), now: start) == .unknown)
        #expect(table.ask(key("another.test"), for: waiter(1), now: start) == .unknown)
        #expect(table.settle(key("n0.test"), nil, hold: .zero, now: start).count == NameTable.waitersMax / 2)
        #expect(table.ask(key("another.test"), for: waiter(1), now: start) == .waits)
    }

    @Test func `no more answers are kept than there is room for, and old ones make room`() {
        for number in 0..<NameTable.answersMax + 10 {
            _ = table.settle(key("n\(number).test"), address, hold: .seconds(10), now: start)
        }
        #expect(table.counts.answers == NameTable.answersMax)
        // An existing entry is always updated.
        _ = table.settle(key("n7.test"), address, hold: .seconds(20), now: start)
        #expect(table.ask(key("n7.test"), for: waiter(1), now: start + .seconds(15)) == .known(address))
        _ = table.settle(key("another.test"), address, hold: .seconds(10), now: start + .seconds(15))
        #expect(table.counts.answers == 2)
    }

    @Test func `a closed table looks nothing up, and nobody waits in it`() {
        _ = table.ask(key("a.test"), for: waiter(1), now: start)
        _ = table.ask(key("b.test"), for: waiter(2), now: start)
        #expect(Set(table.close().map(\.owner)) == [1, 2])
        #expect(table.takeQuestions().isEmpty)
        #expect(table.ask(key("a.test"), for: waiter(1), now: start) == .unknown)
        #expect(table.counts == (0, 0))
    }
}
