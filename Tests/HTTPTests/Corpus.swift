// The corpus: messages that must be accepted and messages that must be rejected, one file each.
//
// Lines of a file that begin with `#` explain the message and, as `# key: value`, give the expected results; the message
// follows `---`. Line ends of the file are ignored; those of the message are written as `\r` and `\n`. The other
// escapes are `\t`, `\0`, `\\`, `\xHH` and `\rep{count}{text}`.

import Foundation
import HTTP
import Testing

/// One file of the corpus.
struct CorpusCase: Sendable, CustomTestStringConvertible {
    var name: String
    var kind: MessageKind
    var expected: [String: String] = [:]
    var limits = HeadLimits()
    var message: [UInt8]

    var testDescription: String { name }

    /// Every file in `Corpus/<folder>`, sorted by name.
    static func all(in folder: String) -> [CorpusCase] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(folder)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.sorted().map { name in
            let text = (try? String(contentsOf: root.appending(path: name), encoding: .utf8)) ?? ""
            return CorpusCase(name: "\(folder)/\(name)", text: text)
        }
    }

    static let everything = ["requests", "responses", "bodies"].flatMap {
        all(in: "\($0)/accepted") + all(in: "\($0)/refused")
    }

    init(name: String, text: String) {
        self.name = name
        let parts = text.components(separatedBy: "---\n")
        message = unescaped(parts.dropFirst().joined(separator: "---\n"))
        kind = name.hasPrefix("requests") ? .request : .response(to: .get)
        var isLenient = false
        for line in parts[0].split(separator: "\n") where line.hasPrefix("# ") {
            let words = line.dropFirst(2).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, Self.isKey(words[0]) else { continue }
            let value = words[1].first == " " ? words[1].dropFirst() : words[1]
            switch words[0] {
            case "head-bytes-max": limits.headBytesMax = Int(value) ?? 0
            case "fields-max": limits.fieldsMax = Int(value) ?? 0
            case "accept-invalid": limits.acceptInvalid = value == "yes"
            case "lenient": isLenient = value == "yes"
            case "to": kind = .response(to: value == "HEAD" ? .head : .connect)
            default: expected[String(words[0])] = String(value)
            }
        }
        if name.hasPrefix("bodies") {
            kind = .body(framing(named: expected.removeValue(forKey: "framing") ?? ""), lenient: isLenient)
        }
    }

    private static func isKey(_ word: Substring) -> Bool {
        word.hasPrefix("field ") || keys.contains(word)
    }

    private static let keys: Set<Substring> = [
        "fault", "offset", "end", "method", "target", "path", "query", "host", "version", "fields", "framing",
        "content",
        "rest", "keep-alive", "upgrade", "expect-continue", "status", "reason", "reuse", "to", "head-bytes-max",
        "fields-max", "accept-invalid", "lenient", "trailers", "tolerated", "written-version",
    ]
}

private func framing(named text: String) -> BodyFraming {
    switch text {
    case "none": .none
    case "chunked": .chunked
    case "untilClose": .untilClose
    default: .length(UInt64(text.dropFirst("length ".count)) ?? 0)
    }
}

/// The bytes that the text of a corpus file represents.
func unescaped(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Substring(text)
    while let c = rest.popFirst() {
        if c == "\n" { continue }
        guard c == "\\" else {
            bytes += Array(String(c).utf8)
            continue
        }
        if rest.hasPrefix("rep{") {
            let parts = rest.dropFirst(4).split(separator: "}", maxSplits: 2, omittingEmptySubsequences: false)
            let one = unescaped(String(parts[1].dropFirst()))
            for _ in 0..<(Int(parts[0]) ?? 0) { bytes += one }
            rest = parts[2]
            continue
        }
        switch rest.popFirst() {
        case "r": bytes.append(0x0D)
        case "n": bytes.append(0x0A)
        case "t": bytes.append(0x09)
        case "0": bytes.append(0x00)
        case "x":
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        default: bytes.append(0x5C)
        }
    }
    return bytes
}

/// Bytes in the notation of the corpus.
func escaped(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes {
        switch byte {
        case 0x0D: text += "\\r"
        case 0x0A: text += "\\n"
        case 0x09: text += "\\t"
        case 0x00: text += "\\0"
        case 0x5C: text += "\\\\"
        case 0x20...0x7E: text.unicodeScalars.append(UnicodeScalar(byte))
        default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
    return text
}
