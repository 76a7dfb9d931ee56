// `guid`: an ID of a section, server or listener that is unique in the whole configuration and stays the same when the
// object is renamed.

/// HAProxy's limits for a global unique ID.
public enum GlobalID {
    /// The maximum length in bytes.
    public static let bytesMax = 127

    /// Whether every byte is allowed in an ID: a letter, a digit, `.`, `:`, `-` or `_`.
    static func isWellFormed(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x3A, 0x2D, 0x5F: true
            default: false
            }
        }
    }
}

extension Arguments {
    /// Parses the next word as a global unique ID.
    /// - Throws: a problem if its length or characters are invalid.
    public mutating func globalID() throws(ConfigProblem) -> Word {
        let word = try next("a unique ID")
        guard (1...GlobalID.bytesMax).contains(word.text.utf8.count) else {
            throw problem(
                "an ID of \(word.text.utf8.count) characters", at: word,
                expected: "1 to \(GlobalID.bytesMax) characters")
        }
        guard GlobalID.isWellFormed(word.text) else {
            throw problem(
                "'\(word.text)' cannot be a unique ID", at: word, expected: "letters, digits, '.', ':', '-' and '_'")
        }
        return word
    }
}
