// `set-path`: another path, the same query (manual, `http-request set-path`).
//
// A path that could not stand in a request line is made one that can: spaces, control characters and bytes beyond
// ASCII are written as %XX, and a slash is put in front if there is none.

internal import Basics
internal import Configuration
internal import HTTP

struct SetPathAction: Sendable {
    private let path: Format

    func run(on facts: ExchangeFacts, _ program: RuleProgram) -> ActionResult {
        path.render(facts, program)
        // Refused only where a request has no path at all: CONNECT.
        facts.setTarget(.path, facts.rendered)
        return .next
    }

    static let row = ActionRow(
        "set-path", in: [.httpRequest], "<format>",
        summary: "Gives the request another path; the query stays, and so do scheme and host of an absolute target."
    ) { (arguments, family, table) throws(ConfigProblem) in
        .setPath(SetPathAction(path: try Format(arguments.next("a path"), for: .message, in: family.place, &table)))
    }
}

extension ExchangeFacts {
    /// Puts `text` in the place of a part of the target: path, path and query, or all. Nothing changes if what comes
    /// out is no target.
    func setTarget(_ part: SampleBytes.RequestPart, _ text: [UInt8]) {
        withScratch {
            let start = scratch.count
            switch part {
            case .path: request.appendTarget(path: text, to: &scratch)
            case .pathAndQuery: request.appendTarget(pathAndQuery: text, to: &scratch)
            default: scratch += text
            }
            request.setTarget(scratch, from: start)
        }
    }
}

extension RequestHead {
    /// Appends this target with another path and query.
    fileprivate func appendTarget(pathAndQuery: [UInt8], to out: inout [UInt8]) {
        if targetForm == .absolute { out.append(target.extracting(0..<absolutePrefix)) }
        if pathAndQuery.first != 0x2F { out.append(0x2F) }
        out += pathAndQuery
    }

    /// Appends this target with another path.
    fileprivate func appendTarget(path: [UInt8], to out: inout [UInt8]) {
        if targetForm == .absolute { out.append(target.extracting(0..<absolutePrefix)) }
        if path.first != 0x2F { out.append(0x2F) }
        TextWriter.append(to: &out) { $0.append(path, .path) }
        let pathCount = self.path.byteCount
        out.append(pathAndQuery.extracting(pathCount..<pathAndQuery.byteCount))
    }

    /// How long `scheme://authority` is.
    private var absolutePrefix: Int {
        var slashes = 0
        var i = 0
        while i < target.byteCount, slashes < 2 {
            if target[i] == 0x2F { slashes += 1 }
            i += 1
        }
        return i + authority.byteCount
    }

    fileprivate mutating func setTarget(_ bytes: [UInt8], from start: Int) {
        unsafe setTarget(bytes.span.bytes.extracting(start..<bytes.count))
    }
}
