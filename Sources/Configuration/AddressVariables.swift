// `$NAME` and `${NAME}` in addresses: there, HAProxy puts the environment's values in even outside of quotes.

extension Word {
    /// The word with the variables' values in it, and the names of those that are not set: nothing stands for them.
    ///
    /// A dollar sign before anything but a name stays as it is.
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

    /// The name behind the dollar sign that `bytes` begins with, and what follows it; nil if there is none.
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
