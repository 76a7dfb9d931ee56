// The reasons for rejecting a message, one case each, so that logs, counters and tests can distinguish them.
//
// All of them are faults of the peer. A faulty request is answered with `status`; for a faulty response the caller
// sends 502 to the client.

/// The reason why a message was rejected. The raw value, for counters and machine-readable logs, is the case's name.
public enum MessageFault: String, Error, Equatable, Sendable, CaseIterable {
    // Lines (RFC 9112 section 2.2)
    case notHTTP, bareCarriageReturn, bareLineFeed, controlCharacter, tooManyEmptyLines
    // Request line (RFC 9112 section 3)
    case malformedRequestLine, missingVersion, malformedVersion, unsupportedVersion, unexpectedPreface
    case requestLineTooLong, invalidMethod, invalidTarget, fragmentInTarget, unsuitableTarget, userInfoInTarget
    // Status line (RFC 9112 section 4)
    case malformedStatusLine, invalidStatus
    // Fields (RFC 9112 section 5)
    case headTooLarge, tooManyFields, foldedField, missingColon, emptyFieldName, spaceBeforeColon, invalidFieldName
    // Host (RFC 9112 section 3.2)
    case missingHost, repeatedHost, invalidHost, hostDisagrees
    // Framing (RFC 9112 section 6)
    case invalidContentLength, differingContentLengths, lengthAndTransferEncoding, transferEncodingInHTTP10
    case invalidTransferEncoding, unknownTransferCoding, chunkedNotFinal, chunkedRepeated, contentInConnect
    case contentInHTTP10
    // The end of a message in HTTP/2 (RFC 9113 sections 8.1 and 8.1.1), and what cannot be decompressed
    case contentLengthDisagrees, endsWithInterim, invalidCompression
    // Chunks (RFC 9112 section 7.1)
    case invalidChunkSize, chunkSizeTooLong, invalidChunkExtension, chunkExtensionTooLong, chunkNotClosed
    case invalidTrailer, trailersTooLarge
    // WebSocket (RFC 6455 section 4.2.1)
    case missingWebSocketKey
    // HTTP/2 (RFC 9113 section 8, RFC 8441 section 4)
    case upperCaseFieldName, spaceAroundValue, connectionSpecificField, invalidTE
    case unknownPseudoHeader, repeatedPseudoHeader, missingPseudoHeader, latePseudoHeader, unsuitablePseudoHeader
    case invalidScheme, invalidPath, malformedConnect, unsupportedProtocol, switchInHTTP2

    /// The status of the response to a request with this fault.
    public var status: Int {
        switch self {
        case .unexpectedPreface: 405
        case .contentInHTTP10: 413
        case .requestLineTooLong: 414
        case .headTooLarge, .tooManyFields: 431
        case .unknownTransferCoding, .unsupportedProtocol: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }
}

extension MessageFault: CustomStringConvertible {
    /// The reason as printed in logs and by `show errors`.
    public var description: String {
        switch self {
        case .notHTTP: "first byte cannot begin an HTTP/1 message"
        case .bareCarriageReturn: "carriage return without line feed"
        case .bareLineFeed: "line feed without carriage return"
        case .controlCharacter: "control character in head"
        case .tooManyEmptyLines: "too many empty lines before request line"
        case .malformedRequestLine: "request line is not method, target and version"
        case .missingVersion: "request line without version (HTTP/0.9)"
        case .malformedVersion: "malformed HTTP version"
        case .unsupportedVersion: "HTTP version other than 1.x"
        case .unexpectedPreface: "preface of HTTP/2 on a connection that speaks HTTP/1"
        case .requestLineTooLong: "request line too long"
        case .invalidMethod: "method is not a token"
        case .invalidTarget: "invalid character in request target"
        case .fragmentInTarget: "fragment in request target"
        case .unsuitableTarget: "form of request target does not suit method"
        case .userInfoInTarget: "user information in request target"
        case .malformedStatusLine: "status line is not version, status and reason"
        case .invalidStatus: "status is not three digits from 100"
        case .headTooLarge: "head too large"
        case .tooManyFields: "too many header fields"
        case .foldedField: "folded header field"
        case .missingColon: "header line without colon"
        case .emptyFieldName: "empty field name"
        case .spaceBeforeColon: "space before colon of field name"
        case .invalidFieldName: "field name is not a token"
        case .missingHost: "Host is missing"
        case .repeatedHost: "more than one Host"
        case .invalidHost: "invalid Host or authority"
        case .hostDisagrees: "Host and request target disagree"
        case .invalidContentLength: "Content-Length is not a number"
        case .differingContentLengths: "differing values of Content-Length"
        case .lengthAndTransferEncoding: "both Content-Length and Transfer-Encoding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .invalidTransferEncoding: "malformed Transfer-Encoding"
        case .unknownTransferCoding: "unknown transfer coding"
        case .chunkedNotFinal: "chunked is not the final transfer coding"
        case .chunkedRepeated: "chunked applied twice"
        case .contentInConnect: "CONNECT with content"
        case .contentInHTTP10: "HTTP/1.0 GET, HEAD or DELETE request with content"
        case .contentLengthDisagrees: "Content-Length is not the length of the content"
        case .endsWithInterim: "stream ends with an interim response"
        case .invalidCompression: "header block that cannot be decompressed"
        case .invalidChunkSize: "invalid chunk size"
        case .chunkSizeTooLong: "chunk size of more than 16 digits"
        case .invalidChunkExtension: "invalid chunk extension"
        case .chunkExtensionTooLong: "chunk extension too long"
        case .chunkNotClosed: "chunk data not followed by line end"
        case .invalidTrailer: "invalid trailer field"
        case .trailersTooLarge: "trailers too large"
        case .missingWebSocketKey: "Upgrade to websocket without Sec-WebSocket-Key"
        case .upperCaseFieldName: "field name with letter in upper case"
        case .spaceAroundValue: "white space at the start or end of field value"
        case .connectionSpecificField: "connection-specific field in HTTP/2"
        case .invalidTE: "TE other than trailers in HTTP/2"
        case .unknownPseudoHeader: "unknown pseudo-header field"
        case .repeatedPseudoHeader: "repeated pseudo-header field"
        case .missingPseudoHeader: "required pseudo-header field is missing"
        case .latePseudoHeader: "pseudo-header field after a regular field"
        case .unsuitablePseudoHeader: "pseudo-header field that does not suit the message"
        case .invalidScheme: "invalid :scheme"
        case .invalidPath: ":path is empty or does not begin with a slash"
        case .malformedConnect: "CONNECT without :authority, or with :scheme or :path"
        case .unsupportedProtocol: ":protocol other than websocket"
        case .switchInHTTP2: "status 101 in HTTP/2"
        }
    }
}
