// Parses a complete response from a file, such as an error page: status line, fields, an empty line, the body.
//
// The head is parsed by `ResponseParser`, after bare line feeds, which editors write, have been replaced by CR LF.
// Hop-by-hop fields are dropped.

internal import Basics

/// A response parsed from the contents of a file.
public struct StoredResponse: Sendable {
    public let response: LocalResponse
    /// Whether the head asks for the connection to be closed after the response.
    public let closes: Bool

    /// Why the file is not a valid response, worded to follow "the file".
    public struct Fault: Error, Equatable, Sendable {
        public let description: String
    }

    /// Parses `bytes`, which must be exactly one final response.
    public init(_ bytes: [UInt8]) throws(Fault) {
        guard let (head, body) = Self.parts(of: bytes) else {
            throw Fault(description: "has no empty line between head and body")
        }
        var response = ResponseHead()
        var parser = ResponseParser(limits: HeadLimits(headBytesMax: min(head.count, HeadLimits.headBytesLimit)))
        var consumed = 0
        switch unsafe parser.parse(head.span.bytes, into: &response, consumed: &consumed) {
        case .complete: break
        case .failed(let fault): throw Fault(description: "has no valid head: \(fault), at byte \(consumed)")
        case .needMore: preconditionFailure("the parser asked for more input after the empty line")
        }
        guard response.status >= 200 else {
            throw Fault(description: "is an interim response: its status is \(response.status)")
        }
        try Self.checkFraming(of: response, bodyBytes: body.count)
        closes = !response.allowsReuse
        // A 426 must list the protocols to upgrade to (RFC 9110 section 15.5.22).
        response.fields.removeHopByHop(keepingUpgrade: response.status == 426)
        response.fields.remove(.contentLength)
        self.response = LocalResponse(
            status: response.status, reason: response.reason.verbatimText, fields: Self.pairs(of: response.fields),
            body: Array(body), closes: closes)
    }

    /// The head with CR LF line ends, including its empty line, and the body; nil if there is no empty line.
    private static func parts(of bytes: [UInt8]) -> (head: [UInt8], body: ArraySlice<UInt8>)? {
        var head: [UInt8] = []
        var lineStart = 0
        while let end = bytes[lineStart...].firstIndex(of: 0x0A) {
            let hasReturn = end > lineStart && bytes[end - 1] == 0x0D
            let line = bytes[lineStart..<(hasReturn ? end - 1 : end)]
            head += line
            head += [0x0D, 0x0A]
            lineStart = end + 1
            if line.isEmpty { return (head, bytes[lineStart...]) }
        }
        return nil
    }

    private static func checkFraming(of head: borrowing ResponseHead, bodyBytes: Int) throws(Fault) {
        switch head.bodyFraming(requestMethod: .get) {
        case .failure(let fault): throw Fault(description: "has no valid head: \(fault)")
        case .success(.chunked): throw Fault(description: "has a chunked body: write the body without chunks")
        case .success(.length(let length)) where length != UInt64(bodyBytes):
            throw Fault(description: "announces a body of \(length) bytes and has one of \(bodyBytes)")
        case .success(.none) where bodyBytes > 0:
            throw Fault(description: "has a body, and a status that allows none")
        case .success: break
        }
    }

    private static func pairs(of fields: borrowing HeaderFields) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for i in 0..<fields.count { pairs.append((String(fields.name(i).text), fields.value(i).verbatimText)) }
        return pairs
    }
}
