// Serialises message heads and chunk framing (RFC 9112). Every head that Portico sends is written here: its version is
// always HTTP/1.1, its framing fields follow from the framing, and its connection fields from the caller's arguments.

public import Basics

/// Writes message heads and chunks into buffers.
public enum MessageWriter {
    /// The options to write in the message's Connection field; if empty, the field is omitted.
    public struct ConnectionHeader: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let none: ConnectionHeader = []
        public static let close = ConnectionHeader(rawValue: 1)
        /// Only HTTP/1.0 peers need it.
        public static let keepAlive = ConnectionHeader(rawValue: 2)
        /// The message has an Upgrade field (RFC 9110 section 7.8).
        public static let upgrade = ConnectionHeader(rawValue: 4)
        /// The request has a TE field (RFC 9110 section 10.1.4).
        public static let te = ConnectionHeader(rawValue: 8)
    }

    /// Appends the head of a request. Returns false and appends nothing if it does not fit.
    ///
    /// A target in absolute form is written in origin form (RFC 9112 section 3.2.1). An HTTP/1.0 request without Host
    /// gets one. Content-Length and Transfer-Encoding are written from `framing`; such fields in the head are ignored.
    /// The caller removes the fields of the client's connection beforehand (`removeSetApart`).
    public static func write(
        _ head: borrowing RequestHead, framing: BodyFraming, connection: ConnectionHeader, to out: inout ByteBuffer
    ) -> Bool {
        precondition(framing != .untilClose, "a request cannot end with its connection")
        return unsafe out.fill { buffer in
            var writer = unsafe BufferWriter(buffer)
            writer.put(head.methodName)
            writer.put(byte: 0x20)
            writer.put(head.targetForServer)
            writer.put(" HTTP/1.1\r\n")
            writer.put(head.fields, without: KnownField.contentLength.bit | KnownField.transferEncoding.bit)
            if !head.fields.contains(.host) {
                writer.put("host: ")
                writer.put(head.authority)
                writer.put("\r\n")
            }
            writer.put(framing)
            writer.put(connection)
            return (writer.written, !writer.isFull)
        }
    }

    /// Appends the head of a response. Returns false and appends nothing if it does not fit.
    ///
    /// With a framing of `.none`, a Content-Length field is kept, as in responses to HEAD and in 304, but dropped from
    /// 1xx and 204, which must not have one (RFC 9110 section 8.6).
    public static func write(
        _ head: borrowing ResponseHead, framing: BodyFraming, connection: ConnectionHeader, to out: inout ByteBuffer
    ) -> Bool {
        precondition(100...999 ~= head.status, "status \(head.status) is not three digits from 100")
        let keepsLength = framing == .none && head.status >= 200 && head.status != 204
        let dropped = KnownField.transferEncoding.bit | (keepsLength ? 0 : KnownField.contentLength.bit)
        return unsafe out.fill { buffer in
            var writer = unsafe BufferWriter(buffer)
            writer.put("HTTP/1.1 ")
            writer.put(decimal: UInt64(head.status))
            writer.put(byte: 0x20)
            writer.put(head.reason)
            writer.put("\r\n")
            writer.put(head.fields, without: dropped)
            writer.put(framing)
            writer.put(connection)
            return (writer.written, !writer.isFull)
        }
    }

    // MARK: - Chunks

    /// Upper bound of the framing bytes that `chunk` adds to the data: sixteen digits and two line ends.
    public static let chunkOverheadMax = 20

    /// Appends `data`, which must not be empty, as one chunk. Returns false and appends nothing if it does not fit.
    public static func chunk(_ data: RawSpan, to out: inout ByteBuffer) -> Bool {
        precondition(data.byteCount > 0, "an empty chunk would end the body")
        return unsafe out.fill { buffer in
            var writer = unsafe BufferWriter(buffer)
            writer.put(hexadecimal: UInt64(data.byteCount))
            writer.put("\r\n")
            writer.put(data)
            writer.put("\r\n")
            return (writer.written, !writer.isFull)
        }
    }

    /// Appends the last chunk and an empty trailer section. Returns false and appends nothing if they do not fit.
    public static func lastChunk(to out: inout ByteBuffer) -> Bool { out.append("0\r\n\r\n") }
}
