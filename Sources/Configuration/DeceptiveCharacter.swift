// Recognises characters that get into a file when lines are copied from web pages or word processors: they look like a
// blank or a quote, or are invisible, but are part of a word.

/// Characters that are easily mistaken for a blank or a quote, or overlooked.
enum DeceptiveCharacter {
    /// The name and code of the deceptive character at the cursor; nil for any other character.
    static func name(at cursor: ByteCursor) -> String? {
        // All of them have two or three bytes in UTF-8.
        guard let first = cursor[0], let second = cursor[1] else { return nil }
        let value: UInt32
        if first & 0xE0 == 0xC0 {
            value = UInt32(first & 0x1F) << 6 | UInt32(second & 0x3F)
        } else if first & 0xF0 == 0xE0, let third = cursor[2] {
            value = UInt32(first & 0x0F) << 12 | UInt32(second & 0x3F) << 6 | UInt32(third & 0x3F)
        } else {
            return nil
        }
        return names[value].map { "\($0) (U+\(hexadecimal(value)))" }
    }

    private static let names: [UInt32: String] = [
        0xA0: "a no-break space", 0xAD: "a soft hyphen", 0x1680: "an Ogham space", 0x2000: "an en quad",
        0x2001: "an em quad", 0x2002: "an en space", 0x2003: "an em space", 0x2004: "a third of an em space",
        0x2005: "a quarter of an em space", 0x2006: "a sixth of an em space", 0x2007: "a figure space",
        0x2008: "a punctuation space", 0x2009: "a thin space", 0x200A: "a hair space",
        0x200B: "a zero-width space", 0x200C: "a zero-width non-joiner", 0x200D: "a zero-width joiner",
        0x200E: "a left-to-right mark", 0x200F: "a right-to-left mark", 0x2018: "a curly quote",
        0x2019: "a curly quote", 0x201C: "a curly quote", 0x201D: "a curly quote", 0x201E: "a low quote",
        0x2028: "a line separator", 0x2029: "a paragraph separator", 0x202A: "an embedding mark",
        0x202B: "an embedding mark", 0x202C: "an embedding mark", 0x202D: "an override mark",
        0x202E: "an override mark", 0x202F: "a narrow no-break space", 0x205F: "a mathematical space",
        0x2060: "a word joiner", 0x3000: "an ideographic space", 0xFEFF: "a byte order mark",
    ]

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
