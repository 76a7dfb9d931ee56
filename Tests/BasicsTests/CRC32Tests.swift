// Cyclic redundancy checks, compared with the standard check values for "123456789".

import Basics
import Testing

@Suite struct CRC32Tests {
    private func check(_ sum: CRC32, _ text: String) -> UInt32 {
        let bytes = Array(text.utf8)
        return unsafe sum.adding(bytes.span.bytes).value
    }

    @Test func `the well-known check values`() {
        #expect(check(.ethernet, "123456789") == 0xCBF4_3926)
        #expect(check(.castagnoli, "123456789") == 0xE306_9283)
        #expect(check(.castagnoli, "") == 0)
    }

    @Test func `bytes may come in any pieces`() {
        var sum = CRC32.castagnoli
        for byte in "12345".utf8 { sum.add(byte) }
        #expect(check(sum, "6789") == 0xE306_9283)
    }
}
