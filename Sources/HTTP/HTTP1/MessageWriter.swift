// Heads and chunk framing as bytes (RFC 9112). What is written here is all that a peer gets to see: the version is
// always HTTP/1.1, framing fields are made from the framing, and connection fields from what the caller decided.

public import Basics

/// Writes messages into buffers.
public enum MessageWriter {
    /// The options in the Connection field of a message; none: there is no such field.
    public struct ConnectionHeader: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let none: ConnectionHeader = []
        public static let close = ConnectionHeader(rawValue: 1)
        /// For peers of HTTP/1.0.
        public static let keepAlive = ConnectionHeader(rawValue: 2)
        /// The message has an Upgrade field (RFC 9110 section 7.8).
        public static let upgrade = ConnectionHeader(rawValue: 4)
        /// The request has a TE field (RFC 9110 section 10.1.4).
        public static let te = ConnectionHeader(rawValue: 8)
    }

    /// Appends the head of a request; false, and nothing is appended, if it does not fit.
    ///
    /// A target in absolute form is written in origin form (RFC 9112 section 3.2.1), and a request without Host, which
    /// only HTTP/1.0 may be, gets one. Content-Length and Transfer-Encoding are those of `framing`, whatever the fields
    /// say. The fields of the client's connection are for the caller to remove (`removeSetApart`).
    public static func write(
        _ head: borrowing RequestHead, framing: BodyFraming, connection: ConnectionHeader, to out: inout ByteBuffer
    ) -> Bool {
        precondition(framing != .untilClose, "a request cannot end with its connection")
        return unsafe out.fill { buffer in
            var page = unsafe Page(buffer)
            page.put(head.methodName)
            page.put(byte: 0x20)
            if head.targetForm != .absolute {
                page.put(head.target)
            } else if head.method == .options, head.hasEmptyPath {
                page.put(byte: 0x2A)
            } else {
                page.put(head.pathAndQuery)
            }
            page.put(" HTTP/1.1\r\n")
            page.put(head.fields, without: KnownField.contentLength.bit | KnownField.transferEncoding.bit)
            if !head.fields.contains(.host) {
                page.put("host: ")
                page.put(head.authority)
                page.put("\r\n")
            }
            page.put(framing)
            page.put(connection)
            return (page.written, !page.isFull)
        }
    }

    /// Appends the head of a response; false, and nothing is appended, if it does not fit.
    ///
    /// With a framing of `.none` a Content-Length field stays, as answers to HEAD and 304 have it, except in 1xx and
    /// 204, which may not have one (RFC 9110 section 8.6).
    public static func write(
        _ head: borrowing ResponseHead, framing: BodyFraming, connection: ConnectionHeader, to out: inout ByteBuffer
    ) -> Bool {
        precondition(100...999 ~= head.status, "status \(head.status) is not three digits from 100")
        let keepsLength = framing == .none && head.status >= 200 && head.status != 204
        let dropped = KnownField.transferEncoding.bit | (keepsLength ? 0 : KnownField.contentLength.bit)
        return unsafe out.fill { buffer in
            var page = unsafe Page(buffer)
            page.put("HTTP/1.1 ")
            page.put(decimal: UInt64(head.status))
            page.put(byte: 0x20)
            page.put(head.reason)
            page.put("\r\n")
            page.put(head.fields, without: dropped)
            page.put(framing)
            page.put(connection)
            return (page.written, !page.isFull)
        }
    }

    // MARK: - Chunks

    /// Bytes that `chunk` writes beside the data, at most: sixteen digits and two line ends.
    public static let chunkOverheadMax = 20

    /// Appends `data`, which must not be empty, as one chunk; false, and nothing is appended, if it does not fit.
    public static func chunk(_ data: RawSpan, to out: inout ByteBuffer) -> Bool {
        precondition(data.byteCount > 0, "an empty chunk would end the body")
        return unsafe out.fill { buffer in
            var page = unsafe Page(buffer)
            page.put(hexadecimal: UInt64(data.byteCount))
            page.put("\r\n")
            page.put(data)
            page.put("\r\n")
            return (page.written, !page.isFull)
        }
    }

    /// Appends the end of a chunked body, without trailers; false, and nothing is appended, if it does not fit.
    public static func lastChunk(to out: inout ByteBuffer) -> Bool { out.append("0\r\n\r\n") }
}
