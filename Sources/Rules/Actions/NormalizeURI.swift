// `normalize-uri`: one spelling for targets that mean the same (manual, `http-request normalize-uri`; RFC 3986 section 6.2.2).
//
// What has no path, CONNECT's target and `*`, is left alone.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP

enum Normalizer: String, CaseIterable, Sendable {
    case fragmentEncode = "fragment-encode"
    case fragmentStrip = "fragment-strip"
    case mergeSlashes = "path-merge-slashes"
    case stripDot = "path-strip-dot"
    case stripDotDot = "path-strip-dotdot"
    case decodeUnreserved = "percent-decode-unreserved"
    case toUppercase = "percent-to-uppercase"
    case sortQuery = "query-sort-by-name"

    /// The word that may stand behind it.
    fileprivate var option: String? {
        switch self {
        case .stripDotDot: "full"
        case .decodeUnreserved, .toUppercase: "strict"
        default: nil
        }
    }
}

struct NormalizeAction: Sendable {
    private let normalizer: Normalizer
    /// `full` or `strict`.
    private let isThorough: Bool

    func run(on context: ExchangeContext) -> ActionResult {
        guard context.request.hasPath else { return .next }
        context.rendered.removeAll(keepingCapacity: true)
        guard context.request.normalize(normalizer, isThorough, into: &context.rendered) else {
            return .decided(.refused)
        }
        return context.setPathAndQuery(context.rendered) ? .next : .failed
    }

    static let row = ActionRow(
        "normalize-uri", in: [.httpRequest], usage,
        summary:
            "Gives the target another spelling that means the same: dots, slashes, %XX, the order of the query. With "
            + "strict, a request whose %XX are none is answered with 400; with full, '..' at the beginning goes too."
    ) { (arguments, _, _) throws(ConfigProblem) in
        let word = try arguments.next("what to normalize")
        guard let normalizer = Normalizer(rawValue: word.text) else {
            let all = Normalizer.allCases.map(\.rawValue)
            throw arguments.problem(
                "unknown normalizer '\(word.text)'", at: word, expected: "one of \(all.joined(separator: ", "))",
                suggestion: nearest(word.text, among: all))
        }
        let isThorough = normalizer.option.map { arguments.skip($0) } ?? false
        return .normalize(NormalizeAction(normalizer: normalizer, isThorough: isThorough))
    }

    private static let usage = Normalizer.allCases.map { normalizer in
        normalizer.rawValue + (normalizer.option.map { " [\($0)]" } ?? "")
    }.joined(separator: "|")
}

extension RequestHead {
    fileprivate var hasPath: Bool { targetForm == .origin || targetForm == .absolute }

    /// Appends path and query in their new spelling; false if they are not well-formed.
    fileprivate func normalize(_ normalizer: Normalizer, _ isThorough: Bool, into out: inout [UInt8]) -> Bool {
        switch normalizer {
        case .fragmentEncode: pathAndQuery.encodeFragment(into: &out)
        case .fragmentStrip: out.append(pathAndQuery.extracting(first: pathAndQuery.firstIndex(from: 0) { $0 == 0x23 }))
        case .mergeSlashes:
            path.mergeSlashes(into: &out)
            appendQuery(to: &out)
        case .stripDot:
            path.stripDots(into: &out)
            appendQuery(to: &out)
        case .stripDotDot:
            path.stripDoubleDots(isThorough, into: &out)
            appendQuery(to: &out)
        case .decodeUnreserved: return pathAndQuery.rewriteEscapes(decoding: true, isThorough, into: &out)
        case .toUppercase: return pathAndQuery.rewriteEscapes(decoding: false, isThorough, into: &out)
        case .sortQuery:
            out.append(path)
            if path.byteCount < pathAndQuery.byteCount {
                out.append(0x3F)
                query.sortByName(into: &out)
            }
        }
        return true
    }

    /// The query with its question mark, if there is one.
    private func appendQuery(to out: inout [UInt8]) {
        out.append(pathAndQuery.extracting(path.byteCount..<pathAndQuery.byteCount))
    }
}

extension RawSpan {
    fileprivate func encodeFragment(into out: inout [UInt8]) {
        for i in 0..<byteCount {
            if self[i] == 0x23 { out.append("%23") } else { out.append(self[i]) }
        }
    }

    fileprivate func mergeSlashes(into out: inout [UInt8]) {
        for i in 0..<byteCount where self[i] != 0x2F || i == 0 || self[i - 1] != 0x2F { out.append(self[i]) }
    }

    /// `/./` becomes `/`.
    fileprivate func stripDots(into out: inout [UInt8]) {
        var place = 0
        while let segment = nextSegment(from: &place) {
            let isDot = segment.count == 1 && self[segment.lowerBound] == 0x2E
            if isDot && segment.upperBound < byteCount { continue }
            out.append(0x2F)
            if !isDot { out.append(extracting(segment)) }
        }
    }

    /// `/a/../` becomes `/`; `/../` at the beginning stays, unless `isFull`.
    fileprivate func stripDoubleDots(_ isFull: Bool, into out: inout [UInt8]) {
        var place = 0
        // What of `out` stays whatever comes.
        var kept = out.count
        while let segment = nextSegment(from: &place) {
            let isDouble =
                segment.count == 2 && self[segment.lowerBound] == 0x2E && self[segment.lowerBound + 1] == 0x2E
            guard isDouble else {
                out.append(0x2F)
                out.append(extracting(segment))
                continue
            }
            if out.count > kept, let slash = out.lastIndex(of: 0x2F) {
                out.removeSubrange(slash...)
            } else if !isFull {
                out.append("/..")
                kept = out.count
            }
            // A path that ended in `..` ended in a folder.
            if segment.upperBound == byteCount { out.append(0x2F) }
        }
        if out.isEmpty { out.append(0x2F) }
    }

    /// The next stretch between slashes; `place` is at the slash before it.
    private func nextSegment(from place: inout Int) -> Range<Int>? {
        guard place < byteCount else { return nil }
        let start = place + 1
        let end = start > byteCount ? byteCount : firstIndex(from: start) { $0 == 0x2F }
        place = end
        return start..<end
    }

    /// Decodes `%XX` where it stands for a letter, a digit, `-`, `.`, `_` or `~`, or writes its digits in upper case. False if a
    /// `%` is not followed by two digits, and `isStrict`.
    fileprivate func rewriteEscapes(decoding: Bool, _ isStrict: Bool, into out: inout [UInt8]) -> Bool {
        var i = 0
        while i < byteCount {
            guard self[i] == 0x25 else {
                out.append(self[i])
                i += 1
                continue
            }
            guard i + 2 < byteCount, let high = hexadecimalValue(self[i + 1]), let low = hexadecimalValue(self[i + 2])
            else {
                if isStrict { return false }
                out.append(0x25)
                i += 1
                continue
            }
            let byte = high << 4 | low
            if decoding {
                if byte.isUnreserved {
                    out.append(byte)
                } else {
                    out.append(extracting(i..<i + 3))
                }
            } else {
                out.append(0x25)
                out.append(self[i + 1].upperHexadecimal)
                out.append(self[i + 2].upperHexadecimal)
            }
            i += 3
        }
        return true
    }

    /// The parameters of a query in the order of their names; those of one name stay in their order.
    fileprivate func sortByName(into out: inout [UInt8]) {
        var parameters: [Range<Int>] = []
        var start = 0
        while start < byteCount {
            let end = firstIndex(from: start) { $0 == 0x26 }
            parameters.append(start..<end)
            start = end + 1
        }
        var bytes: [UInt8] = []
        bytes.append(self)
        parameters.sort { a, b in
            let (first, second) = (bytes.name(of: a), bytes.name(of: b))
            return first.elementsEqual(second) ? a.lowerBound < b.lowerBound : first.lexicographicallyPrecedes(second)
        }
        for (i, parameter) in parameters.enumerated() {
            if i > 0 { out.append(0x26) }
            out.append(extracting(parameter))
        }
    }
}

extension [UInt8] {
    fileprivate func name(of parameter: Range<Int>) -> ArraySlice<UInt8> { self[parameter].prefix { $0 != 0x3D } }
}

extension UInt8 {
    fileprivate var upperHexadecimal: UInt8 { self >= 0x61 ? self & 0xDF : self }

    fileprivate var isUnreserved: Bool {
        self | 0x20 &- 0x61 < 26 || self &- 0x30 < 10 || self == 0x2D || self == 0x2E || self == 0x5F || self == 0x7E
    }
}

private func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
}
