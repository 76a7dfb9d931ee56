// Random numbers for balancing, samples and identifiers: fast, evenly spread, and not secret.
//
// xoshiro256** (Blackman and Vigna, 2018). Who has seen some of its numbers can compute the next ones, as with HAProxy's `rand()`:
// hash tables that clients must not be able to aim at, and keys, take theirs from `SystemRandomNumberGenerator`.

/// A generator of 64 random bits at a time. One thread's own; with the same seed it gives the same numbers.
public struct RandomNumbers: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator that starts somewhere else each time.
    public init() {
        var system = SystemRandomNumberGenerator()
        self.init(seed: system.next())
    }

    /// The seed is spread over the state with SplitMix64, as the authors advise, so that near seeds give unrelated numbers.
    public init(seed: UInt64) {
        var counter = seed
        func next() -> UInt64 {
            counter &+= 0x9E37_79B9_7F4A_7C15
            var bits = counter
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
        state = (next(), next(), next(), next())
    }

    public mutating func next() -> UInt64 {
        let scrambled = state.1 &* 5
        let result = (scrambled << 7 | scrambled >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}
