// Durations, sizes and counts in human-readable form.

import Basics
import Testing

@testable import Admin

@Suite struct HumanTextTests {
    private func text(_ write: (inout [UInt8]) -> Void) -> String {
        var out: [UInt8] = []
        write(&out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test(
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m 0s"), (192, "3m 12s"), (3_599, "59m 59s"), (3_600, "1h 0m"),
            (86_399, "23h 59m"), (86_400, "1d 0h"), (273_906, "3d 4h"), (31_536_000, "365d 0h"),
        ] as [(UInt64, String)])
    func spans(seconds: UInt64, expected: String) {
        #expect(text { TimeText.append(.seconds(seconds), to: &$0) } == expected)
    }

    @Test func uptimesAsHAProxyWritesThem() {
        #expect(TimeText.clock(.seconds(272)) == "0d 0h04m32s")
        #expect(TimeText.clock(.seconds(90_061)) == "1d 1h01m01s")
    }

    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1_000, "0.9 KiB"), (1_024, "1.0 KiB"), (1_536, "1.5 KiB"), (10_239, "9.9 KiB"),
            (10_240, "10 KiB"), (1_023_999, "999 KiB"), (1_048_576, "1.0 MiB"), (23_068_672, "22 MiB"),
            (868_923_340_800, "809 GiB"), (.max, "15 EiB"),
        ] as [(UInt64, String)])
    func sizes(bytes: UInt64, expected: String) {
        #expect(text { Amount.append(bytes: bytes, to: &$0) } == expected)
    }

    @Test(
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (1_000_007, "1,000,007"), (.max, "18,446,744,073,709,551,615"),
        ] as [(UInt64, String)])
    func counts(count: UInt64, expected: String) {
        #expect(text { Amount.append(count: count, to: &$0) } == expected)
    }
}
