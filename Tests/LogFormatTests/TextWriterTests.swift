// Text collected on the stack: nothing is lost at the seams, and numbers and addresses are as the system writes them.

import Basics
import Chance
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct TextWriterTests {
    private func written(_ body: (inout TextWriter) -> Void) -> String {
        var out: [UInt8] = []
        TextWriter.append(to: &out, body)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func `Parts of any length come out whole and in order`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<50 {
            var expected: [UInt8] = Array("before".utf8)
            var out = expected
            TextWriter.append(to: &out) { writer in
                for _ in 0..<Int.random(in: 0...40, using: &random) {
                    let part = (0..<Int.random(in: 0...1_500, using: &random)).map { UInt8(truncatingIfNeeded: $0) }
                    if let byte = part.first, part.count < 100 {
                        writer.append(byte)
                        expected.append(byte)
                    }
                    writer.append(part)
                    expected += part
                    #expect(writer.count == expected.count)
                }
            }
            #expect(out == expected)
        }
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, 12_345, -1, -10, .max, .min])
    func `Numbers`(number: Int) {
        #expect(written { $0.append(number: number) } == "\(number)")
    }

    @Test func `Hexadecimal numbers`() {
        #expect(written { $0.append(hexadecimal: 0, width: 4) } == "0000")
        #expect(written { $0.append(hexadecimal: 0xBEEF5, width: 4) } == "BEEF5")
        #expect(written { $0.append(hexadecimal: .max, width: 1) } == "FFFFFFFFFFFFFFFF")
        #expect(written { $0.append(number: UInt64.max) } == "18446744073709551615")
    }

    @Test(arguments: [
        "0.0.0.0", "255.255.255.255", "10.0.1.7", "::", "::1", "1::", "2001:db8::7", "2001:db8:0:1:1:1:1:1",
        "fe80::1:0:0:2",
        "1:0:0:2::3", "1::2:0:0:3", "::ffff:1.2.3.4", "::1.2.3.4", "::ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8", "1:2:3:4:5:6::", "::3:4:5:6:7:8", "1:0:3:0:5:0:7:0", "a0:b00::c000",
    ])
    func `Addresses are written as the system writes them`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(written { $0.append(ip: address) } == "\(address)")
    }

    @Test func `Random addresses are written as the system writes them`() {
        var random = SeededRandom(seed: 8)
        for _ in 0..<2_000 {
            // Masks make runs of zero groups.
            let address = IPAddress.v6(
                random.next() & random.next() & random.next(), random.next() & random.next() & random.next())
            let sparse = IPAddress.v6(
                random.next() & (Bool.random(using: &random) ? 0xFFFF_0000_0000_FFFF : 0xFF),
                random.next() & (Bool.random(using: &random) ? 0xFFFF_0000 : 0xFFFF_0000_0000_0000))
            #expect(written { $0.append(ip: address) } == "\(address)")
            #expect(written { $0.append(ip: sparse) } == "\(sparse)")
        }
    }
}
