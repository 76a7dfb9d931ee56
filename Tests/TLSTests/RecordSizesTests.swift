import Basics
import Testing

@testable import TLS

@Suite struct RecordSizesTests {
    @Test("Records are short while a connection begins, long when the flow is steady, and short again after a pause")
    func records() {
        var sizes = RecordSizes()
        var now = Instant(nanoseconds: 5_000_000_000)
        var lengths: [Int] = []
        for _ in 0..<12 { lengths.append(sizes.next(now: now)) }
        #expect(lengths == Array(repeating: RecordSizes.short, count: 10) + [RecordSizes.long, RecordSizes.long])
        now = now + .milliseconds(900)
        #expect(sizes.next(now: now) == RecordSizes.long)
        now = now + .milliseconds(1_100)
        #expect(sizes.next(now: now) == RecordSizes.short)
    }
}
