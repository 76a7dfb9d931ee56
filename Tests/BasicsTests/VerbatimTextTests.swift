// Bytes as text and back: lossless for all bytes.

import Basics
import Chance
import Testing

@Suite struct VerbatimTextTests {
    @Test func `UTF-8 is read as such`() {
        for text in ["", "a", "caf\u{E9}", "\u{4E2D}", "\u{1F600}", "\u{FFFD}", "\u{10FFFF}", "\u{100000}"] {
            #expect(String(verbatim: Array(text.utf8)) == text)
            #expect(text.verbatimBytes == Array(text.utf8))
        }
    }

    @Test func `Each byte alone comes back, and those of no UTF-8 are one character`() {
        for byte in UInt8.min...UInt8.max {
            let text = String(verbatim: [byte])
            #expect(text.count == 1)
            #expect(text.verbatimBytes == [byte])
        }
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80],
            // The characters that represent bytes, and their neighbours.
            [0xF4, 0x8F, 0xBA, 0x80], [0xF4, 0x8F, 0xBB, 0xBF], [0xF4, 0x8F, 0xB9, 0xBF], [0xF4, 0x8F, 0xBC, 0x80],
            [0xF4, 0x8F, 0xBA],
        ] as [[UInt8]])
    func `What looks like UTF-8, or like the mapping itself, comes back`(bytes: [UInt8]) {
        let text = String(verbatim: [0x61] + bytes + [0x62])
        #expect(text.verbatimBytes == [0x61] + bytes + [0x62])
        #expect(text.utf8.first == 0x61 && text.utf8.last == 0x62)
    }

    @Test func `Any bytes come back, also in pieces`() {
        var random = SeededRandom(seed: 17)
        let likely: [UInt8] = [0xF4, 0x8F, 0xBA, 0xBB, 0x80, 0xBF, 0xE9, 0xC3, 0xA9, 0x61]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? likely.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            #expect(String(verbatim: bytes).verbatimBytes == bytes)
            #expect((String(verbatim: bytes[..<cut]) + String(verbatim: bytes[cut...])).verbatimBytes == bytes)
        }
    }

    @Test func `People are shown the byte's number`() {
        #expect(String(verbatim: [0x63, 0xE9, 0x80]).showingVerbatimBytes == "c\\xE9\\x80")
        #expect("caf\u{E9}".showingVerbatimBytes == "caf\u{E9}")
    }

    @Test func `C gets the bytes`() {
        let bytes = String(verbatim: [0x63, 0xE9]).withVerbatimCString { start in
            (0..<3).map { unsafe UInt8(bitPattern: start[$0]) }
        }
        #expect(bytes == [0x63, 0xE9, 0])
    }
}
