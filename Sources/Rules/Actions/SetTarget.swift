// `set-method`, `set-path`, `set-pathq`, `set-query`, `set-uri`: another request line (manual, `http-request set-path` and so
// on).
//
// What could not stand in a request line is made such that it can: spaces, control characters and bytes beyond ASCII are
// written as %XX, and a slash is put in front of a path that has none. What then still is no request line fails.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat

struct TargetAction: Sendable {
    enum Part: String, CaseIterable, Sendable {
        case method = "set-method"
        case path = "set-path"
        case pathAndQuery = "set-pathq"
        case query = "set-query"
        case target = "set-uri"
    }

    private let part: Part
    private let text: Format

    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        text.render(context, program)
        let isChanged =
            switch part {
            case .method: context.request.changeMethod(context.rendered)
            case .path: context.setTarget(.path, context.rendered)
            case .pathAndQuery: context.setTarget(.pathAndQuery, context.rendered)
            case .query: context.setTarget(.query, context.rendered)
            case .target: context.setTarget(.target, context.rendered)
            }
        return isChanged ? .next : .failed
    }

    static let rows = Part.allCases.map { part in
        ActionRow(part.rawValue, in: [.httpRequest], "<format>", summary: part.summary) {
            (arguments, family, table) throws(ConfigProblem) in
            let text = try Format(arguments.next(part.what), for: .message, in: family.hook, &table.formats)
            return .target(TargetAction(part: part, text: text))
        }
    }
}

extension TargetAction.Part {
    fileprivate var what: String {
        switch self {
        case .method: "a method"
        case .path: "a path"
        case .pathAndQuery: "a path and a query"
        case .query: "a query"
        case .target: "a target"
        }
    }

    fileprivate var summary: String {
        switch self {
        case .method: "Gives the request another method. CONNECT is never another method, nor can it be changed."
        case .path: "Gives the request another path; the query stays, and so do scheme and host of an absolute target."
        case .pathAndQuery: "Gives the request another path and query."
        case .query: "Gives the request another query: what stands behind the target's first '?'."
        case .target:
            "Gives the request another target: a path with its query, or a whole URL, whose host then is Host too."
        }
    }
}

extension ExchangeContext {
    /// Replaces path and query by another spelling, unescaped.
    func setPathAndQuery(_ text: [UInt8]) -> Bool {
        withScratch {
            let start = scratch.count
            request.appendPrefix(to: &scratch)
            scratch += text
            guard request.hasRoom(forTarget: scratch.count - start, in: headBytesMax) else { return false }
            return request.changeTarget(scratch, from: start)
        }
    }

    /// Replaces a part of the target by `text`: path, query, both, or all. False, and nothing changes, if what comes
    /// out is no target, or too long.
    func setTarget(_ part: SampleBytes.RequestPart, _ text: [UInt8]) -> Bool {
        withScratch {
            let start = scratch.count
            switch part {
            case .path: request.appendTarget(path: text, to: &scratch)
            case .pathAndQuery: request.appendTarget(pathAndQuery: text, to: &scratch)
            case .query: request.appendTarget(query: text, to: &scratch)
            default: TextWriter.append(to: &scratch) { $0.append(text, .path) }
            }
            let count = scratch.count - start
            guard request.hasRoom(forTarget: count, in: headBytesMax) else { return false }
            return request.changeTarget(scratch, from: start)
        }
    }
}

extension RequestHead {
    /// False, and nothing changes, if it is no method, or not one for this target.
    fileprivate mutating func changeMethod(_ name: [UInt8]) -> Bool {
        let new = unsafe Method(name: name.span.bytes)
        guard new == method || targetForm == .origin || targetForm == .absolute, new == method || new != .connect else {
            return false
        }
        return unsafe setMethod(name.span.bytes)
    }

    fileprivate func hasRoom(forTarget count: Int, in bytesMax: Int) -> Bool {
        count <= target.byteCount || byteCount - target.byteCount + count <= bytesMax
    }

    /// Appends what stands before the path.
    fileprivate func appendPrefix(to out: inout [UInt8]) {
        if targetForm == .absolute { out.append(target.extracting(0..<absolutePrefix)) }
    }

    /// Appends this target with another path and query.
    fileprivate func appendTarget(pathAndQuery: [UInt8], to out: inout [UInt8]) {
        appendPrefix(to: &out)
        if pathAndQuery.first != 0x2F { out.append(0x2F) }
        TextWriter.append(to: &out) { $0.append(pathAndQuery, .path) }
    }

    /// Appends this target with another path.
    fileprivate func appendTarget(path: [UInt8], to out: inout [UInt8]) {
        appendPrefix(to: &out)
        if path.first != 0x2F { out.append(0x2F) }
        TextWriter.append(to: &out) { $0.append(path, .path) }
        let pathCount = self.path.byteCount
        out.append(pathAndQuery.extracting(pathCount..<pathAndQuery.byteCount))
    }

    /// Appends this target with another query. A question mark that is there stays.
    fileprivate func appendTarget(query: [UInt8], to out: inout [UInt8]) {
        appendPrefix(to: &out)
        out.append(path)
        if query.isEmpty, path.byteCount == pathAndQuery.byteCount { return }
        out.append(0x3F)
        TextWriter.append(to: &out) { $0.append(query, .path) }
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

    /// A target with a host in it is for that host: Host says the same.
    fileprivate mutating func changeTarget(_ bytes: [UInt8], from start: Int) -> Bool {
        guard unsafe setTarget(bytes.span.bytes.extracting(start..<bytes.count)) else { return false }
        if targetForm == .absolute, fields.contains(.host) {
            var host: [UInt8] = []
            host.append(authority)
            fields.set(.host, host)
        }
        return true
    }
}

extension HeaderFields {
    fileprivate mutating func set(_ field: KnownField, _ value: [UInt8]) {
        if let i = first(field), next(field, from: i + 1) == nil, unsafe self.value(i).equals(value.span.bytes) {
            return
        }
        unsafe set(field, value: value.span.bytes)
    }
}

extension RawSpan {
    fileprivate func equals(_ other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for i in 0..<byteCount where self[i] != other[i] { return false }
        return true
    }
}
