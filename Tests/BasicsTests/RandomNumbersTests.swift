// The generator behind balancing, samples and identifiers.

import Basics
import Testing

@Suite struct RandomNumbersTests {
    @Test func `it gives the numbers of the published generator`() {
        // The first of xoshiro256** from the state that SplitMix64 makes of 0 (the reference code of both, prng.di.unimi.it).
        var random = RandomNumbers(seed: 0)
        #expect(
            (0..<3).map { _ in random.next() } == [0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0])
    }

    @Test func `the same seed gives the same numbers, the next seed gives none of them`() {
        var (first, second, other) = (RandomNumbers(seed: 7), RandomNumbers(seed: 7), RandomNumbers(seed: 8))
        let numbers = (0..<1_000).map { _ in first.next() }
        #expect(numbers == (0..<1_000).map { _ in second.next() })
        #expect(Set(numbers).isDisjoint(with: (0..<1_000).map { _ in other.next() }))
        #expect(Set(numbers).count == 1_000)
    }

    @Test func `every bit is set half of the time`() {
        var random = RandomNumbers(seed: 1)
        var counts = [Int](repeating: 0, count: 64)
        for _ in 0..<10_000 {
            let number = random.next()
            for bit in 0..<64 where number >> UInt64(bit) & 1 == 1 { counts[bit] += 1 }
        }
        // Six standard deviations of 50.
        for count in counts { #expect(4_700...5_300 ~= count) }
    }

    @Test func `a generator without a seed starts elsewhere each time`() {
        var (first, second) = (RandomNumbers(), RandomNumbers())
        #expect(first.next() != second.next())
    }
}
