// Counters that several threads write to.

import Basics
import Dispatch
import Testing

@Suite struct PerThreadCountersTests {
    @Test func `a row counts for its thread alone, and into the sheet`() {
        let sheet = PerThreadCounters(rows: 2, columns: 3)
        let row = sheet.row(1)
        row.add(5, column: 2)
        sheet.add(2, row: 0, column: 2)
        row.add(column: 0)
        #expect((0..<3).map(sheet.total) == [1, 0, 7])
    }

    @Test func `each thread counts in its own row and nothing is lost`() {
        let sheet = PerThreadCounters(rows: 4, columns: 3)
        DispatchQueue.concurrentPerform(iterations: 4) { row in
            for i in 0..<10_000 {
                sheet.add(row: row, column: 0)
                sheet.add(UInt64(i), row: row, column: 2)
            }
        }
        #expect(sheet.total(0) == 40_000)
        #expect(sheet.total(1) == 0)
        #expect(sheet.total(2) == 4 * 49_995_000)
    }

    @Test(arguments: [1, 7, 8, 9, 64]) func `columns do not run into each other, however many`(_ columns: Int) {
        let sheet = PerThreadCounters(rows: 3, columns: columns)
        for row in 0..<3 {
            for column in 0..<columns { sheet.add(UInt64(column + 1), row: row, column: column) }
        }
        for column in 0..<columns { #expect(sheet.total(column) == UInt64(3 * (column + 1))) }
    }

    @Test func `a reader sees totals that only grow while others write`() {
        let sheet = PerThreadCounters(rows: 2, columns: 1)
        DispatchQueue.concurrentPerform(iterations: 2) { part in
            if part == 0 {
                for _ in 0..<20_000 { sheet.add(row: 0, column: 0) }
            } else {
                var last: UInt64 = 0
                for _ in 0..<1_000 {
                    let now = sheet.total(0)
                    #expect(now >= last)
                    last = now
                }
            }
        }
        #expect(sheet.total(0) == 20_000)
    }

    @Test func `a cell outside the sheet is our own mistake`() async {
        await #expect(processExitsWith: .failure) { PerThreadCounters(rows: 1, columns: 1).add(row: 0, column: 1) }
    }
}

@Suite struct GaugeTests {
    @Test func `The recent maximum is that since the last question`() {
        let gauge = Gauge()
        for _ in 0..<3 {
            #expect(gauge.reserve(upTo: 10))
            gauge.noteMaximum()
        }
        for _ in 0..<2 { gauge.decrement() }
        #expect(gauge.takeRecentMaximum() == 3)
        #expect(gauge.takeRecentMaximum() == 1 && gauge.maximum == 3)
    }

    @Test func `it knows the number now and the highest`() {
        let gauge = Gauge()
        #expect(gauge.increment() == 1)
        #expect(gauge.increment() == 2)
        #expect(gauge.decrement() == 1)
        #expect(gauge.increment() == 2)
        #expect(gauge.current == 2 && gauge.maximum == 2)
    }

    @Test func `places are given up to the limit, and count for the maximum only once used`() {
        let gauge = Gauge()
        let first = gauge.reserve(upTo: 2)
        let second = gauge.reserve(upTo: 2)
        let third = gauge.reserve(upTo: 2)
        #expect(first && second && !third)
        #expect(gauge.current == 2 && gauge.maximum == 0)
        gauge.noteMaximum()
        #expect(gauge.maximum == 2)

        gauge.decrement()
        let again = gauge.reserve(upTo: 2)
        #expect(again)
        let none = gauge.reserve(upTo: 0)
        #expect(!none, "a limit of nothing, or one lowered below what is taken")
    }

    @Test func `refused attempts are never seen as places taken`() {
        // Regression: an attempt counted itself first and was undone if it exceeded the limit. Concurrent attempts failed
        // although there was room, and the maximum exceeded the limit.
        let gauge = Gauge()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<20_000 where gauge.reserve(upTo: 1) {
                gauge.noteMaximum()
                gauge.decrement()
            }
        }
        #expect(gauge.current == 0)
        #expect(gauge.maximum == 1)
    }

    @Test func `the highest is not lost between threads`() {
        let gauge = Gauge()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<1_000 { gauge.increment() }
        }
        #expect(gauge.current == 4_000 && gauge.maximum == 4_000)
    }

    @Test func `falling below zero is our own mistake`() async {
        await #expect(processExitsWith: .failure) { Gauge().decrement() }
    }
}
