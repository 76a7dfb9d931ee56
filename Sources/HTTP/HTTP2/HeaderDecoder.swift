// Decompresses what the peer of one connection sends (HPACK, RFC 7541): libnghttp2 keeps the table and decodes, the fields go from it
// straight into the heads.

internal import Basics
internal import CNGHTTP2

/// What is found in a block of compressed fields.
public enum HeadResult: Equatable, Sendable {
    case whole
    /// The message is malformed (RFC 9113 section 8.1.1), which is an error of its stream. The connection can go on.
    case malformed(MessageFault)
    /// The block cannot be decompressed, or has a name or value of more than 65,536 bytes, so that the peer's table is not known any
    /// more: an error of the connection, COMPRESSION_ERROR (RFC 9113 section 4.3).
    case undecodable
}

/// The decompressor of one connection. Every block that the peer sends must go through it, in order.
@safe
public final class HeaderDecoder {
    private let inflater: OpaquePointer
    @safe @exclusivity(unchecked) private var request = RequestFields()

    /// The size of the table until SETTINGS_HEADER_TABLE_SIZE changes it, in bytes (RFC 9113 section 6.5.2).
    public static let initialTableBytes = 4_096

    /// - Parameter tableBytes: what the peer's table may take up, see `setTableLimit`.
    public init(tableBytes: Int = HeaderDecoder.initialTableBytes) {
        var made: OpaquePointer?
        let error = unsafe nghttp2_hd_inflate_new(&made)
        guard error == 0, let made = unsafe made else { preconditionFailure("no memory for a header table") }
        unsafe inflater = made
        if tableBytes != Self.initialTableBytes { setTableLimit(tableBytes) }
    }

    deinit { unsafe nghttp2_hd_inflate_del(inflater) }

    /// Changes the bytes that the peer's table may take up, once the peer has acknowledged the SETTINGS_HEADER_TABLE_SIZE that says so.
    /// If it is less than before, the next block must begin with a change of size (RFC 7541 section 4.2).
    public func setTableLimit(_ bytes: Int) {
        let error = unsafe nghttp2_hd_inflate_change_table_size(inflater, bytes)
        precondition(error == 0, "the size of the header table was changed inside a block")
    }

    /// Decompresses the head of a request into `head`, which is cleared first, in the shape that HTTP/1.1 gives it. A malformed head
    /// is decompressed to its end, since later blocks may refer to its fields, and holds what came before the fault.
    ///
    /// With `limits.acceptInvalid`, `#` and bytes from 0x80 are accepted in `:path`; names are checked strictly.
    public func readRequest(
        _ block: RawSpan, limits: HeadLimits, into head: inout RequestHead, facts: inout HTTP2RequestFacts
    ) -> HeadResult {
        request.begin(limits: limits, &head, &facts)
        guard decode(block, { name, value in request.take(name, value, &head, &facts) }) else { return .undecodable }
        return Self.result(request.finish(&head, &facts))
    }

    /// Decompresses the head of a response into `head`, which is cleared first. Its reason phrase is the standard one.
    /// - Parameter contentLength: becomes what Content-Length says, also where the response has no content (HEAD, 304).
    public func readResponse(
        _ block: RawSpan, limits: HeadLimits, into head: inout ResponseHead, contentLength: inout UInt64?
    ) -> HeadResult {
        var fields = ResponseFields(limits: limits, &head)
        guard decode(block, { name, value in fields.take(name, value, &head) }) else { return .undecodable }
        return Self.result(fields.finish(head, &contentLength))
    }

    /// Decompresses trailers and appends them to `section` as `name: value` lines, each with CR LF, and the empty line: the form in
    /// which `BodyReader.trailers` has them. Appends nothing if they are malformed.
    public func readTrailers(_ block: RawSpan, into section: inout [UInt8]) -> HeadResult {
        var fields = TrailerFields()
        let before = section.count
        let isDecoded = decode(block) { name, value in fields.take(name, value, to: &section) }
        guard isDecoded, fields.fault == nil else {
            section.removeLast(section.count - before)
            return isDecoded ? Self.result(fields.fault) : .undecodable
        }
        section.append("\r\n")
        return .whole
    }

    /// Decompresses a block of which nothing is wanted but its effect on the table. Returns false if it is undecodable.
    public func skip(_ block: RawSpan) -> Bool { decode(block) { _, _ in } }

    private static func result(_ fault: MessageFault?) -> HeadResult { fault.map { .malformed($0) } ?? .whole }

    /// Calls `use` with the name and value of each field. Returns false if the block is undecodable.
    func decode(_ block: RawSpan, _ use: (_ name: RawSpan, _ value: RawSpan) -> Void) -> Bool {
        unsafe block.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var offset = 0
            while true {
                var field = unsafe nghttp2_nv()
                var flags: Int32 = 0
                // Safe: the bytes from the offset on are in the block.
                let count = unsafe nghttp2_hd_inflate_hd2(
                    inflater, &field, &flags, start.map { unsafe $0 + offset }, bytes.count - offset, 1)
                guard count >= 0, flags != 0 else { return false }
                offset += count
                if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                    // Safe: name and value stay until the next call.
                    let name = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(field.name), byteCount: field.namelen)
                    let value = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(field.value), byteCount: field.valuelen)
                    use(name, value)
                }
                if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
                    unsafe nghttp2_hd_inflate_end_headers(inflater)
                    return true
                }
            }
        }
    }
}
