// Parses one message in pieces, as a connection would, and records all results.

import Basics
import Testing

@testable import HTTP

enum MessageKind: Sendable {
    case request
    case response(to: HTTP.Method)
    /// `lenient`: in the mode for response bodies.
    case body(BodyFraming, lenient: Bool)
}

/// The results for a message, by the keys of the corpus. Equal for every slicing of the same bytes.
typealias Outcome = [String: String]

/// Parses `bytes` as one message, passed to the parser in pieces that end at `cuts` (ascending).
func read(_ kind: MessageKind, _ bytes: [UInt8], cuts: [Int] = [], limits: HeadLimits = HeadLimits()) -> Outcome {
    var reader = SlicedReader(kind, limits)
    var start = 0
    for cut in cuts + [bytes.count] {
        reader.feed(bytes[start..<cut])
        start = cut
    }
    return reader.finish()
}

/// Parses all bytes at once, split in two at each position, and byte by byte; expects equal results.
func readInEveryWay(
    _ kind: MessageKind, _ bytes: [UInt8], limits: HeadLimits = HeadLimits(),
    sourceLocation: SourceLocation = #_sourceLocation
) -> Outcome {
    let whole = read(kind, bytes, limits: limits)
    if bytes.count < 2 { return whole }
    let single = read(kind, bytes, cuts: Array(1..<bytes.count), limits: limits)
    #expect(single == whole, "byte by byte", sourceLocation: sourceLocation)
    // Long messages are long because of one long part: splitting at some positions in it suffices.
    for cut in stride(from: 1, to: bytes.count, by: bytes.count > 2_000 ? 97 : 1) {
        let halves = read(kind, bytes, cuts: [cut], limits: limits)
        #expect(halves == whole, "cut at byte \(cut)", sourceLocation: sourceLocation)
    }
    return whole
}

private struct SlicedReader: ~Copyable {
    private enum Phase { case head, body, ended }

    private let kind: MessageKind
    private var phase = Phase.head
    private var requestParser: RequestParser
    private var responseParser: ResponseParser
    private var request = RequestHead()
    private var response = ResponseHead()
    private var decoder = BodyDecoder(.none)
    private var buffer: [UInt8] = []
    private var taken = 0
    private var content: [UInt8] = []
    private var trailers: [UInt8] = []
    private var outcome: Outcome = [:]

    init(_ kind: MessageKind, _ limits: HeadLimits) {
        self.kind = kind
        requestParser = RequestParser(limits: limits)
        responseParser = ResponseParser(limits: limits)
        if case .body(let framing, let isLenient) = kind { begin(framing, lenient: isLenient) }
    }

    mutating func feed(_ piece: ArraySlice<UInt8>) {
        buffer += piece
        if phase == .head { readHead() }
        if phase == .body { readBody() }
    }

    mutating func finish() -> Outcome {
        switch phase {
        case .head: outcome["end"] = "unfinished head"
        case .body:
            let isLegal = decoder.inputEnded()
            outcome["end"] = isLegal ? "complete" : "premature"
            if !isLegal { outcome["fault"] = "premature" }
        case .ended: break
        }
        if outcome["fault"] == nil || outcome["end"] == "premature" {
            outcome["content"] = escaped(content)
            outcome["rest"] = escaped(buffer)
            if !trailers.isEmpty { outcome["trailers"] = escaped(trailers) }
        } else {
            outcome = outcome.filter { ["fault", "offset"].contains($0.key) }
        }
        return outcome
    }

    private mutating func consume(_ count: Int) {
        buffer.removeFirst(count)
        taken += count
    }

    private mutating func fail(_ fault: MessageFault, offset: Int) {
        outcome["fault"] = fault.rawValue
        outcome["offset"] = "\(taken + offset)"
        phase = .ended
    }

    private mutating func begin(_ framing: BodyFraming, lenient isLenient: Bool) {
        switch framing {
        case .none: outcome["framing"] = "none"
        case .length(let length): outcome["framing"] = "length \(length)"
        case .chunked: outcome["framing"] = "chunked"
        case .untilClose: outcome["framing"] = "untilClose"
        }
        decoder = BodyDecoder(framing, lenient: isLenient)
        phase = .body
    }

    private mutating func readHead() {
        let input = buffer
        var consumed = 0
        let progress: ParseProgress
        let framing: Result<BodyFraming, MessageFault>
        if case .response(let method) = kind {
            progress = responseParser.parse(input.bytes, into: &response, consumed: &consumed)
            framing = progress == .complete ? response.bodyFraming(requestMethod: method) : .success(.none)
        } else {
            progress = requestParser.parse(input.bytes, into: &request, consumed: &consumed)
            framing = progress == .complete ? request.bodyFraming() : .success(.none)
        }
        switch progress {
        case .needMore: consume(consumed)
        case .failed(let fault): fail(fault, offset: consumed)
        case .complete:
            consume(consumed)
            describe()
            switch framing {
            case .success(let framing):
                if case .response = kind { begin(framing, lenient: true) } else { begin(framing, lenient: false) }
            case .failure(let fault): fail(fault, offset: 0)
            }
        }
    }

    private mutating func readBody() {
        while true {
            let input = buffer
            switch decoder.next(input.bytes) {
            case .data(let skip, let count):
                #expect(count > 0)
                content += buffer[skip..<skip + count]
                consume(skip + count)
            case .trailers(let skip, let count):
                #expect(count > 0)
                trailers += buffer[skip..<skip + count]
                consume(skip + count)
            case .needMore(let skip): return consume(skip)
            case .end(let skip):
                consume(skip)
                outcome["end"] = "complete"
                phase = .ended
                return
            case .failed(let fault): return fail(fault, offset: decoder.faultOffset)
            }
        }
    }

    private mutating func describe() {
        if case .response = kind {
            describe(response.version, response.fields.pairs)
            outcome["status"] = "\(response.status)"
            outcome["reason"] = escaped(response.reason.copy)
            outcome["tolerated"] =
                responseParser.toleratedFault.map { "\($0.rawValue) \(responseParser.toleratedOffset)" }
            outcome["reuse"] = response.allowsReuse ? "yes" : "no"
        } else {
            describe(request.version, request.fields.pairs)
            outcome["method"] = escaped(request.methodName.copy)
            outcome["target"] = escaped(request.target.copy)
            outcome["path"] = escaped(request.path.copy)
            outcome["query"] = escaped(request.query.copy)
            outcome["host"] = escaped(request.host.copy)
            outcome["keep-alive"] = request.wantsKeepAlive ? "yes" : "no"
            outcome["written-version"] = escaped(request.versionName.copy)
            outcome["tolerated"] = requestParser.toleratedFault.map {
                "\($0.rawValue) \(requestParser.toleratedOffset)"
            }
            outcome["upgrade"] = request.upgradeRequested ? "yes" : "no"
            outcome["expect-continue"] = request.expectsContinue ? "yes" : "no"
        }
    }

    private mutating func describe(_ version: HTTPVersion, _ fields: [(name: String, value: String)]) {
        outcome["version"] = version == .http11 ? "1.1" : "1.0"
        outcome["fields"] = "\(fields.count)"
        for (name, value) in fields {
            let earlier = outcome["field \(name)"]
            outcome["field \(name)"] = earlier.map { "\($0) | \(value)" } ?? value
        }
    }
}

extension HeaderFields {
    /// Names and values in the notation of the corpus.
    var pairs: [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for i in 0..<count {
            let classified = KnownField(lowercasedName: name(i))
            #expect(classified == known(i))
            #expect(contains(known(i)) == true)
            pairs.append((escaped(name(i).copy), escaped(value(i).copy)))
        }
        return pairs
    }
}

extension RawSpan {
    var copy: [UInt8] {
        var bytes: [UInt8] = []
        for i in 0..<byteCount { bytes.append(self[i]) }
        return bytes
    }
}
