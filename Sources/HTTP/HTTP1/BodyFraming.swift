// Determines where a message's body ends (RFC 9112 section 6). If two hops disagree about that, requests can be
// smuggled. Wherever the RFC lets a recipient choose between repairing and rejecting a message, it is rejected.

internal import Basics

/// How the end of a message body is determined.
public enum BodyFraming: Equatable, Sendable {
    /// The message has no body.
    case none
    /// The body has this many bytes.
    case length(UInt64)
    case chunked
    /// The body is delimited by the connection's close; responses only.
    case untilClose
}

extension RequestHead {
    /// The framing of this request's body, or the reason why it is ambiguous (RFC 9112 section 6.3).
    public func bodyFraming() -> Result<BodyFraming, MessageFault> {
        let framing = fields.declaredFraming(version)
        guard case .success(let declared) = framing, declared != .none else { return framing }
        if method == .connect {
            // What follows the head of a CONNECT belongs to the tunnel (RFC 9110 section 9.3.6).
            return declared == .length(0) ? .success(.none) : .failure(.contentInConnect)
        }
        if version == .http10, declared != .length(0), method == .get || method == .head || method == .delete {
            // Old servers ignore such content and parse it as the next request. HAProxy answers 413 as well.
            return .failure(.contentInHTTP10)
        }
        return framing
    }
}

extension ResponseHead {
    /// The framing of the body of this response to `requestMethod`, or the reason why it is ambiguous (RFC 9112
    /// section 6.3).
    public func bodyFraming(requestMethod: Method) -> Result<BodyFraming, MessageFault> {
        let framing = fields.declaredFraming(version)
        guard case .success(let declared) = framing else { return framing }
        if requestMethod == .head || status < 200 || status == 204 || status == 304 { return .success(.none) }
        if requestMethod == .connect, status < 300 { return .success(.none) }
        return .success(declared == .none ? .untilClose : declared)
    }
}

extension HeaderFields {
    /// The framing declared by Content-Length or Transfer-Encoding; `.none` if neither is present.
    func declaredFraming(_ version: HTTPVersion) -> Result<BodyFraming, MessageFault> {
        if contains(.transferEncoding) {
            // RFC 9112 section 6.1: such a message must be treated as if its framing were faulty.
            if version == .http10 { return .failure(.transferEncodingInHTTP10) }
            if contains(.contentLength) { return .failure(.lengthAndTransferEncoding) }
            if let fault = transferEncodingFault { return .failure(fault) }
            return .success(.chunked)
        }
        return contains(.contentLength) ? contentLength : .success(.none)
    }

    /// `1*DIGIT`. Repeated values, in one list or in several fields, must be identical including leading zeros (RFC
    /// 9110 section 8.6).
    private var contentLength: Result<BodyFraming, MessageFault> {
        // Fast path: usually there is one field with one number.
        if let only = first(.contentLength), next(.contentLength, from: only + 1) == nil,
            let length = value(only).decimalValue
        {
            return .success(.length(length))
        }
        var length: UInt64?
        var digits = 0
        var index = 0
        while let found = next(.contentLength, from: index) {
            let value = value(found)
            var position = 0
            while let range = value.nextElement(from: &position) {
                guard let number = value.extracting(range).decimalValue else { return .failure(.invalidContentLength) }
                if let length, length != number || digits != range.count { return .failure(.differingContentLengths) }
                length = number
                digits = range.count
            }
            index = found + 1
        }
        guard let length else { return .failure(.invalidContentLength) }
        return .success(.length(length))
    }

    /// The fault of a Transfer-Encoding other than a single `chunked`; nil if it is that.
    private var transferEncodingFault: MessageFault? {
        var seenChunked = false
        var seenUnknown = false
        var index = 0
        while let found = next(.transferEncoding, from: index) {
            let value = value(found)
            var position = 0
            while let range = value.nextElement(from: &position) {
                let coding = value.extracting(range)
                // Empty elements and parameters are rejected like everything else that is not a plain token.
                guard HeaderFields.isToken(coding) else { return .invalidTransferEncoding }
                let isChunked = coding.equalsIgnoringCase("chunked")
                if seenChunked { return isChunked ? .chunkedRepeated : .chunkedNotFinal }
                if isChunked { seenChunked = true } else { seenUnknown = true }
            }
            index = found + 1
        }
        return seenUnknown ? .unknownTransferCoding : seenChunked ? nil : .invalidTransferEncoding
    }
}
