// Expands `$NAME` and `${NAME}` in addresses, where HAProxy expands environment variables even outside quotes.

extension Word {
    /// The word with its variables expanded, and the names of variables that are not set, which expand to nothing.
    ///
    /// A dollar sign that is not followed by a name is kept.
    func expandingVariables(_ environment: [String: String]) -> (word: Word, unset: [String]) {
        guard text.utf8.contains(.dollar) else { return (self, []) }
        var out: [UInt8] = []
        var unset: [String] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            guard byte == .dollar, let (name, behind) = Self.variable(at: rest) else {
                out.append(byte)
                rest = rest.dropFirst()
                continue
            }
            if let value = environment[name] { out += Array(value.utf8) } else { unset.append(name) }
            rest = behind
        }
        return (Word(String(decoding: out, as: UTF8.self), at: range), unset)
    }

    /// The variable name after the dollar sign at the start of `bytes`, and the bytes after it; nil if there is no
    /// name.
    private static func variable(at bytes: ArraySlice<UInt8>) -> (name: String, behind: ArraySlice<UInt8>)? {
        var rest = bytes.dropFirst()
        let isBraced = rest.first == UInt8(ascii: "{")
        if isBraced { rest = rest.dropFirst() }
        let name = rest.prefix { byte in
            (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_") || byte &- UInt8(ascii: "0") < 10
        }
        guard let first = name.first, first &- UInt8(ascii: "0") >= 10 else { return nil }
        rest = rest.dropFirst(name.count)
        if isBraced {
            guard rest.first == UInt8(ascii: "}") else { return nil }
            rest = rest.dropFirst()
        }
        return (String(decoding: name, as: UTF8.self), rest)
    }
}
