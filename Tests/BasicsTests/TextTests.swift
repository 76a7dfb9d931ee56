// Numbers as bytes and bytes as numbers.

import Basics
import Testing

@Suite struct NumberWriterTests {
    private func decimal(_ value: UInt64, width: Int = 0) -> String {
        var out: [UInt8] = []
        out.append(decimal: value, width: width)
        return String(decoding: out, as: UTF8.self)
    }

    private func hexadecimal(_ value: UInt64) -> String {
        var out: [UInt8] = []
        out.append(hexadecimal: value)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func `decimal at every power of ten, below, at and above`() {
        var power: UInt64 = 1
        for _ in 0...19 {
            for value in [power - 1, power, power + 1] { #expect(decimal(value) == String(value)) }
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
        #expect(decimal(.max) == "18446744073709551615")
        #expect(decimal(0) == "0")
    }

    @Test func `zeros go in front up to the width, and nothing is cut off`() {
        #expect(decimal(7, width: 3) == "007")
        #expect(decimal(0, width: 2) == "00")
        #expect(decimal(123, width: 3) == "123")
        #expect(decimal(1_234, width: 3) == "1234")
    }

    @Test func `negative numbers`() {
        for value in [-1, -10, Int.min, Int.max, 0] {
            var out: [UInt8] = []
            out.append(decimal: value)
            #expect(String(decoding: out, as: UTF8.self) == String(value))
        }
        var out: [UInt8] = []
        out.append(decimal: -7, width: 3)
        #expect(String(decoding: out, as: UTF8.self) == "-007")
    }

    @Test func `small unsigned types`() {
        var out: [UInt8] = []
        out.append(decimal: UInt8.max)
        out.append(decimal: UInt16.max)
        out.append(decimal: UInt32.max)
        #expect(String(decoding: out, as: UTF8.self) == "255655354294967295")
    }

    @Test func `hexadecimal at every power of sixteen, below, at and above`() {
        for shift in stride(from: UInt64(0), to: 64, by: 4) {
            let power: UInt64 = 1 << shift
            for value in [power - 1, power, power + 1] { #expect(hexadecimal(value) == String(value, radix: 16)) }
        }
        #expect(hexadecimal(.max) == "ffffffffffffffff")
        #expect(hexadecimal(0x1234_5678_9ABC_DEF0) == "123456789abcdef0")
    }
}

@Suite struct SpanTests {
    private func value(_ text: String) -> UInt64? { unsafe Array(text.utf8).span.bytes.decimalValue }

    @Test func `digits are read up to the last number that fits`() {
        #expect(value("0") == 0)
        #expect(value("007") == 7)
        #expect(value("18446744073709551615") == .max)
        #expect(value("000000000000000000000000018446744073709551615") == .max)
        #expect(value("18446744073709551616") == nil, "overflow in the last addition")
        #expect(value("18446744073709551620") == nil, "overflow in the last multiplication")
        #expect(value("99999999999999999999") == nil)
        #expect(value("100000000000000000000000000000000000") == nil)
    }

    @Test(arguments: ["", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1_0", "١", "/", ":"])
    func `what is not all digits has no value`(_ text: String) {
        #expect(value(text) == nil)
    }

    @Test func `letters are compared without case, everything else as it is`() {
        let bytes = Array("Content-Length[".utf8)
        unsafe #expect(bytes.span.bytes.equalsIgnoringCase("content-length["))
        unsafe #expect(!bytes.span.bytes.equalsIgnoringCase("content-length{"), "[ and { differ by the case bit only")
        unsafe #expect(!bytes.span.bytes.equalsIgnoringCase("content-length"))
        unsafe #expect(bytes.span.bytes.equals("Content-Length["))
        unsafe #expect(!bytes.span.bytes.equals("content-length["))
        #expect(
            (0...255).allSatisfy { byte in
                let isUpper = (0x41...0x5A).contains(byte)
                return asciiLowercased(UInt8(byte)) == UInt8(isUpper ? byte + 32 : byte)
            })
    }

    @Test func `letters are compared without case at every place, and no other bits are overlooked`() {
        // Longer than eight bytes, and not a multiple of it; a hyphen differs from CR by the case bit.
        let text: StaticString = "keep-alive{[@`z"
        let lower = Array("keep-alive{[@`z".utf8)
        for place in lower.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = lower
                bytes[place] = byte
                let isSame = asciiLowercased(byte) == lower[place]
                unsafe #expect(bytes.span.bytes.equalsIgnoringCase(text) == isSame, "\(byte) at \(place)")
            }
        }
    }

    @Test func `bytes that are no UTF-8 become text with marks`() {
        let bytes: [UInt8] = [0x61, 0xFF, 0x62]
        unsafe #expect(bytes.span.bytes.text == "a\u{FFFD}b")
    }
}
