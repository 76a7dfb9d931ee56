// The tables and bit tricks of Grammar.swift, compared with the grammar rules byte by byte;
// and the tables of names (fields, methods, faults) checked for consistency.

import Basics
import Testing

@testable import HTTP

/// The bit sets and the eight-byte tests, compared with the grammar rules.
@Suite struct GrammarTests {
    private static let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    private static let digits = "0123456789"
    private static let unreserved = letters + digits + "-._~"
    private static let subDelims = "!$&'()*+,;="

    private func expectSame(_ set: ByteSet, as text: String) {
        let allowed = Set(text.utf8)
        for byte in UInt8.min...UInt8.max { #expect(set.contains(byte) == allowed.contains(byte), "byte \(byte)") }
    }

    @Test func tokensAreMadeOfTchar() { expectSame(.token, as: "!#$%&'*+-.^_`|~" + Self.digits + Self.letters) }

    @Test func fieldNamesOfHTTP2HaveNoLettersInUpperCase() {
        expectSame(.lowerCaseToken, as: "!#$%&'*+-.^_`|~" + Self.digits + Self.letters.prefix(26))
    }

    @Test func hostNamesAreMadeOfRegName() { expectSame(.regName, as: Self.unreserved + Self.subDelims + "%") }

    @Test func addressesInBracketsMayHaveColons() { expectSame(.ipLiteral, as: Self.unreserved + Self.subDelims + ":") }

    @Test func schemes() { expectSame(.scheme, as: Self.letters + Self.digits + "+-.") }

    /// Every byte at every position among a few neighbours: marked exactly where it should be.
    @Test func eightBytesAtOnceAreAsOneByOne() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                for neighbour: UInt8 in [0x00, 0x1F, 0x20, 0x2D, 0x61, 0x7F, 0x80, 0xFF] {
                    var bytes = [UInt8](repeating: neighbour, count: 8)
                    bytes[place] = byte
                    expect(EightBytes.control, in: bytes) { $0 < 0x20 || $0 == 0x7F }
                    expect(EightBytes.notInTarget, in: bytes) { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x23 }
                    expect({ EightBytes.equal($0, 0x3A) }, in: bytes) { $0 == 0x3A }
                    expect({ EightBytes.notLetterOrDash($0, lowered: $0 | 0x2020_2020_2020_2020) }, in: bytes) {
                        !(0x61...0x7A ~= $0 | 0x20 || $0 == 0x2D)
                    }
                }
            }
        }
    }

    @Test func lettersAreLoweredAndNothingElseIs() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                let others: UInt64 = 0x5B7F_FF41_6140_C1DA & ~(0xFF << UInt64(8 * place))
                let lowered = EightBytes.lowercased(others | UInt64(byte) << UInt64(8 * place))
                #expect(UInt8(truncatingIfNeeded: lowered >> UInt64(8 * place)) == asciiLowercased(byte))
            }
        }
    }

    private func expect(_ marks: (UInt64) -> UInt64, in bytes: [UInt8], _ isMarked: (UInt8) -> Bool) {
        var word: UInt64 = 0
        var expected: UInt64 = 0
        for i in 0..<8 {
            word |= UInt64(bytes[i]) << UInt64(8 * i)
            if isMarked(bytes[i]) { expected |= 0x80 << UInt64(8 * i) }
        }
        if marks(word) != expected { Issue.record("\(bytes): \(marks(word)) instead of \(expected)") }
    }

    /// Every length, start and position of the byte, with the same byte outside the range as a decoy.
    @Test func scanningFindsTheFirstByteOfTheRange() {
        for count in 0..<36 {
            for start in 0...count {
                for place in start...count {
                    var bytes = [UInt8](repeating: 0x2C, count: count + 3)
                    for i in start..<count { bytes[i] = i < place ? 0x78 : 0x2C }
                    let found = bytes.bytes.firstIndex(in: start..<count) { EightBytes.equal($0, 0x2C) }
                    if found != place { Issue.record("\(found) instead of \(place) in \(start)..<\(count)") }
                }
            }
        }
    }

    @Test func everyKnownFieldIsKnownByItsName() {
        #expect(KnownField.allCases.count <= 64)
        for field in KnownField.allCases where field != .other {
            #expect(KnownField(lowercasedName: field.name.bytes) == field)
            var near = field.name.bytes.copy
            near[near.count - 1] ^= 1
            #expect(KnownField(lowercasedName: near.bytes) != field)
        }
        #expect(KnownField(lowercasedName: RawSpan()) == .other)
    }

    @Test func everyMethodIsKnownByItsName() {
        for method in Method.allCases where method != .other {
            #expect(Method(name: method.name.bytes) == method)
            #expect(Method(name: method.name.bytes.lowercased.bytes) == .other)
        }
    }

    @Test func everyFaultHasItsOwnWords() {
        let words = Set(MessageFault.allCases.map(\.description))
        #expect(words.count == MessageFault.allCases.count)
        for fault in MessageFault.allCases { #expect([400, 405, 413, 414, 431, 501, 505].contains(fault.status)) }
    }
}
