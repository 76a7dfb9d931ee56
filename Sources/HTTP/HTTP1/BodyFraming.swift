// Where a message's body ends (RFC 9112 section 6): the one question on which two hops must never disagree.
//
// Wherever the RFC lets a recipient choose between repairing and refusing, the message is refused.

internal import Basics

/// How the end of a body is told.
public enum BodyFraming: Equatable, Sendable {
    /// There is no body.
    case none
    /// The body has this many bytes.
    case length(UInt64)
    case chunked
    /// The body ends with the connection; responses only.
    case untilClose
}

extension RequestHead {
    /// How this request's body is framed, or why that is not certain (RFC 9112 section 6.3).
    public func bodyFraming() -> Result<BodyFraming, MessageFault> {
        let framing = fields.declaredFraming(version)
        guard case .success(let declared) = framing, declared != .none else { return framing }
        if method == .connect {
            // What follows the head of a CONNECT belongs to the tunnel (RFC 9110 section 9.3.6).
            return declared == .length(0) ? .success(.none) : .failure(.contentInConnect)
        }
        if version == .http10, declared != .length(0), method == .get || method == .head || method == .delete {
            // Old servers ignore such content and take it for the next request; HAProxy answers 413 as well.
            return .failure(.contentInHTTP10)
        }
        return framing
    }
}

extension ResponseHead {
    /// How the body of this response to `requestMethod` is framed, or why that is not certain (RFC 9112 section 6.3).
    public func bodyFraming(requestMethod: Method) -> Result<BodyFraming, MessageFault> {
        let framing = fields.declaredFraming(version)
        guard case .success(let declared) = framing else { return framing }
        if requestMethod == .head || status < 200 || status == 204 || status == 304 { return .success(.none) }
        if requestMethod == .connect, status < 300 { return .success(.none) }
        return .success(declared == .none ? .untilClose : declared)
    }
}

extension HeaderFields {
    /// What Content-Length and Transfer-Encoding say; `.none` if neither is there.
    func declaredFraming(_ version: HTTPVersion) -> Result<BodyFraming, MessageFault> {
        if contains(.transferEncoding) {
            // RFC 9112 section 6.1: such a message is to be handled as if its framing were faulty.
            if version == .http10 { return .failure(.transferEncodingInHTTP10) }
            if contains(.contentLength) { return .failure(.lengthAndTransferEncoding) }
            if let fault = transferEncodingFault { return .failure(fault) }
            return .success(.chunked)
        }
        return contains(.contentLength) ? contentLength : .success(.none)
    }

    /// `1*DIGIT`; repeats, be they list elements or fields, only if identical to the digit (RFC 9110 section 8.6).
    private var contentLength: Result<BodyFraming, MessageFault> {
        // Almost always it is one field and one number.
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
            var place = 0
            while let range = value.nextElement(from: &place) {
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

    /// Why Transfer-Encoding is not exactly one `chunked`; nil if it is.
    private var transferEncodingFault: MessageFault? {
        var seenChunked = false
        var seenUnknown = false
        var index = 0
        while let found = next(.transferEncoding, from: index) {
            let value = value(found)
            var place = 0
            while let range = value.nextElement(from: &place) {
                let coding = value.extracting(range)
                // Empty elements and parameters are refused along with everything else that is not a plain name.
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
