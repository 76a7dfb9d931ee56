// Compresses what is sent to the peer of one connection (HPACK, RFC 7541): libnghttp2 keeps the table and encodes, from the memory of
// the heads. What a head is in HTTP/1.1 and not in HTTP/2 is undone here (see RequestFields.swift).

internal import Basics
internal import CNGHTTP2

/// The compressor of one connection. Every block must be sent, in the order in which they were appended.
@safe
public final class HeaderEncoder {
    private let deflater: OpaquePointer
    @safe @exclusivity(unchecked) private var tableLimit = HeaderEncoder.tableBytesMax
    /// The fields of the present block, pointing into the memory of its head; kept for its memory.
    @exclusivity(unchecked) private var entries: [nghttp2_nv] = unsafe []
    /// Room for a status and a length in decimal.
    private let digits = UnsafeMutableRawBufferPointer.allocate(byteCount: 24, alignment: 1)
    @safe @exclusivity(unchecked) private var trailers = HeaderFields()

    /// The largest table that is used, in bytes, also where the peer allows more.
    public static let tableBytesMax = 4_096

    public init() {
        var made: OpaquePointer?
        let error = unsafe nghttp2_hd_deflate_new(&made, Self.tableBytesMax)
        guard error == 0, let made = unsafe made else { preconditionFailure("no memory for a header table") }
        unsafe deflater = made
    }

    deinit {
        unsafe nghttp2_hd_deflate_del(deflater)
        unsafe digits.deallocate()
    }

    /// Obeys the peer's SETTINGS_HEADER_TABLE_SIZE, in bytes; the next block says so (RFC 7541 section 4.2).
    public func setTableLimit(_ bytes: Int) {
        let limit = min(bytes, Self.tableBytesMax)
        guard limit != tableLimit else { return }
        tableLimit = limit
        let error = unsafe nghttp2_hd_deflate_change_table_size(deflater, limit)
        precondition(error == 0, "no memory for a header table")
    }

    // MARK: - Heads

    /// Appends the block of a request's head.
    ///
    /// `:authority` is the Host, or else the target's authority. A GET with an Upgrade becomes an extended CONNECT (RFC 8441); any other
    /// Upgrade is left out, like all fields of a connection. Content-Length is written from `content`; a request of GET or
    /// HEAD that says nothing of its content does not get one for no content.
    public func append(
        _ head: borrowing RequestHead, content: ContentLength, scheme: StaticString, to out: inout [UInt8]
    ) {
        let isUpgrade = head.asksForUpgrade
        let isTunnel = isUpgrade || head.method == .connect
        // Safe: all pointers lead into the head, static text or `digits`, until the block is written.
        unsafe (isUpgrade ? Method.connect.name.bytes : head.methodName).withUnsafeBytes { method in
            unsafe head.authorityForHTTP2.withUnsafeBytes { authority in
                unsafe head.pathForHTTP2.withUnsafeBytes { path in
                    unsafe add(":method", method)
                    if head.asksForWebSocket {
                        add(":protocol", "websocket")
                    } else if isUpgrade {
                        unsafe head.upgrade.withUnsafeBytes { unsafe add(":protocol", $0) }
                    }
                    if isUpgrade || head.method != .connect { add(":scheme", scheme) }
                    if authority.count > 0 { unsafe add(":authority", authority) }
                    if isUpgrade || head.method != .connect { unsafe add(":path", path) }
                    unsafe head.fields.arena.withUnsafeBytes { arena in
                        let dropped = Self.notInRequests | (isUpgrade ? KnownField.secWebSocketKey.bit : 0)
                        unsafe add(head.fields, arena, without: dropped, splitsCookies: true)
                        if head.acceptsTrailers { add("te", "trailers") }
                        if case .known(let length) = content, !isTunnel, length > 0 || head.saysContentLength {
                            add(contentLength: length)
                        }
                        compress(to: &out)
                    }
                }
            }
        }
    }

    /// Appends the block of a response's head.
    ///
    /// With `content` of `none`, a Content-Length field is kept, as in responses to HEAD and in 304, but dropped from 1xx and 204
    /// (RFC 9110 section 8.6).
    /// - Parameter isTunnel: whether a tunnel begins behind the head. A 101 becomes the 200 that an extended CONNECT expects, and the key of
    ///   the handshake in HTTP/1.1 is left out (RFC 8441 section 5).
    public func append(
        _ head: borrowing ResponseHead, content: ContentLength, isTunnel: Bool, to out: inout [UInt8]
    ) {
        let status = isTunnel && head.status == 101 ? 200 : head.status
        precondition(100...999 ~= status && status != 101, "status \(status) in a response of HTTP/2")
        let keepsLength = content == .none && !isTunnel && status >= 200 && status != 204
        let dropped = Self.notInResponses | (keepsLength ? 0 : KnownField.contentLength.bit)
        // Safe: all pointers lead into the head, static text or `digits`, until the block is written.
        unsafe head.fields.arena.withUnsafeBytes { arena in
            unsafe add(":status", decimal(UInt64(status), in: 0..<4))
            unsafe add(head.fields, arena, without: dropped, withoutAccept: isTunnel)
            if case .known(let length) = content, !isTunnel { add(contentLength: length) }
            compress(to: &out)
        }
    }

    /// Appends the block of those trailers in `section` that may be forwarded, see `Trailers`; nothing if there are none. The section
    /// has the form in which `BodyReader.trailers` has it.
    public func append(trailers section: [UInt8], to out: inout [UInt8]) {
        trailers.removeAll()
        Trailers.forEachForwardable(in: section) { name, value in
            trailers.append(name: name.bytes, value: Array(value).bytes)
        }
        guard trailers.count > 0 else { return }
        unsafe trailers.arena.withUnsafeBytes { arena in
            unsafe add(trailers, arena, without: 0)
            compress(to: &out)
        }
    }

    /// Content-Length and TE are written from what else is known; the others are about a connection, or pseudo-header fields.
    private static let notInRequests =
        FieldSection.connectionSpecific | KnownField.contentLength.bit | KnownField.te.bit | KnownField.host.bit
    private static let notInResponses = FieldSection.connectionSpecific | KnownField.te.bit

    // MARK: - Fields

    /// Adds the fields except those whose bits are set in `without`. `arena` is their arena.
    /// - Parameters:
    ///   - splitsCookies: whether each cookie becomes a field of its own, so that those that stay the same are found in the table
    ///     (RFC 9113 section 8.2.3).
    ///   - withoutAccept: whether `sec-websocket-accept` is left out.
    private func add(
        _ fields: borrowing HeaderFields, _ arena: UnsafeRawBufferPointer, without: UInt64, splitsCookies: Bool = false,
        withoutAccept: Bool = false
    ) {
        for i in 0..<fields.entries.count {
            let entry = fields.entries[i]
            if entry.known.bit & without != 0 { continue }
            if withoutAccept, entry.known == .other, fields.name(i).equals("sec-websocket-accept") { continue }
            let name = unsafe UnsafeRawBufferPointer(rebasing: arena[entry.nameStart..<entry.nameEnd])
            if entry.known == .cookie, splitsCookies {
                unsafe addCookies(name, UnsafeRawBufferPointer(rebasing: arena[entry.valueStart..<entry.valueEnd]))
            } else {
                let value = unsafe UnsafeRawBufferPointer(rebasing: arena[entry.valueStart..<entry.valueEnd])
                unsafe add(name, value, isSecret: Self.isSecret(entry.known, value.count))
            }
        }
    }

    /// Whether a field must not enter any table: who can make requests on the same connection could guess a short secret, one try after
    /// the other, by the size of the blocks (RFC 7541 sections 7.1 and 7.1.3). A long cookie takes too many tries for that.
    private static func isSecret(_ known: KnownField, _ valueCount: Int) -> Bool {
        switch known {
        case .authorization, .proxyAuthorization: true
        case .cookie: valueCount < 20
        default: false
        }
    }

    private func addCookies(_ name: UnsafeRawBufferPointer, _ list: UnsafeRawBufferPointer) {
        var start = 0
        while start <= list.count {
            let rest = unsafe list[start...]
            let end = unsafe rest.firstIndex(of: 0x3B) ?? list.count
            var (first, last) = (start, end)
            while first < last, isSpace(unsafe list[first]) { first += 1 }
            while first < last, isSpace(unsafe list[last - 1]) { last -= 1 }
            if first < last {
                let cookie = unsafe UnsafeRawBufferPointer(rebasing: list[first..<last])
                unsafe add(name, cookie, isSecret: Self.isSecret(.cookie, cookie.count))
            }
            start = end + 1
        }
    }

    private func add(_ name: StaticString, _ value: StaticString) {
        unsafe add(name, UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    private func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        let text = unsafe UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        unsafe add(text, value, isSecret: false)
    }

    private func add(contentLength length: UInt64) {
        unsafe add(KnownField.contentLength.name, decimal(length, in: 4..<24))
    }

    private func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isSecret: Bool) {
        let flags = isSecret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
        unsafe entries.append(
            nghttp2_nv(
                name: Self.start(of: name), value: Self.start(of: value), namelen: name.count, valuelen: value.count,
                flags: UInt8(truncatingIfNeeded: flags.rawValue)))
    }

    /// The library does not change what it is given; an empty text may have no address, for which some other one is taken.
    private static func start(of text: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8> {
        let none: StaticString = ""
        let start = unsafe text.baseAddress ?? UnsafeRawPointer(none.utf8Start)
        return unsafe UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self))
    }

    /// The number in decimal, in a part of `digits`.
    private func decimal(_ number: UInt64, in range: Range<Int>) -> UnsafeRawBufferPointer {
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: digits[range])
        var writer = unsafe BufferWriter(room)
        writer.put(decimal: number)
        return unsafe UnsafeRawBufferPointer(rebasing: room[..<writer.written])
    }

    /// Appends the block of the fields in `entries`, and forgets them.
    private func compress(to out: inout [UInt8]) {
        unsafe entries.withUnsafeBufferPointer { fields in
            let before = out.count
            let bound = unsafe nghttp2_hd_deflate_bound(deflater, fields.baseAddress, fields.count)
            out.append(contentsOf: repeatElement(0, count: bound))
            let count = unsafe out.withUnsafeMutableBytes { room in
                // Safe: the room behind `before` has the bytes that a block takes at most.
                let start = unsafe room.baseAddress.unsafelyUnwrapped + before
                return unsafe nghttp2_hd_deflate_hd(
                    deflater, start.assumingMemoryBound(to: UInt8.self), bound, fields.baseAddress, fields.count)
            }
            precondition(count >= 0, "no memory for a header table")
            out.removeLast(bound - count)
        }
        unsafe entries.removeAll(keepingCapacity: true)
    }
}
