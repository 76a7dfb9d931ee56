// The values that rules compute with.
//
// A value is a few words and owns no memory: text is a range of the request, of the response, or of the context's scratch,
// where samples and converters put new text.

public import Basics
public import HTTP

/// The types of samples and converters, by HAProxy's names.
public enum SampleType: String, Sendable {
    case bool = "boolean"
    case integer
    /// An address of either version.
    case address = "ip"
    case ipv4, ipv6
    case string
    /// Bytes that are no text.
    case binary
    case method
    /// Only known when it is there: a variable's.
    case any
}

/// One value.
public enum SampleValue: Sendable {
    case bool(Bool)
    case integer(Int)
    case address(IPAddress)
    case string(SampleBytes)
}

/// A range of bytes that the context holds. It is good until that changes.
public struct SampleBytes: Sendable {
    public enum Source: Sendable {
        case scratch
        /// A message's body, as far as it is here.
        case body(MessageSide)
        /// What the client or the server has sent so far and no parser has read (TCP).
        case payload(MessageSide)
        case request(RequestPart)
        case response(line: Int)
    }
    public enum RequestPart: Sendable {
        case method, target, path, query, pathAndQuery
        /// The value of a header field.
        case line(Int)
    }
    public var source: Source
    public var start: Int
    public var count: Int

    @inlinable
    public init(source: Source, start: Int, count: Int) {
        self.source = source
        self.start = start
        self.count = count
    }
}

extension ExchangeContext {
    /// Calls `body` with the bytes. It may not add to the scratch.
    @inlinable @inline(__always)
    public func withBytes<R>(_ bytes: SampleBytes, _ body: (RawSpan) -> R) -> R {
        let range = bytes.start..<bytes.start + bytes.count
        return switch bytes.source {
        case .scratch: scratch.withBytes(range, body)
        case .body(.request): requestBody.withBytes(range, body)
        case .body(.response): responseBody.withBytes(range, body)
        case .payload(.request): requestPayload.withBytes(range, body)
        case .payload(.response): responsePayload.withBytes(range, body)
        case .request(let part): request.withBytes(part, range, body)
        case .response(let line): response.fields.withValue(line, range, body)
        }
    }

    /// The whole of a part of the request.
    public func all(_ part: SampleBytes.RequestPart) -> SampleBytes {
        SampleBytes(source: .request(part), start: 0, count: request.byteCount(part))
    }

    /// Puts new text into the scratch.
    @inlinable
    public func make(_ write: (inout [UInt8]) -> Void) -> SampleBytes {
        let start = scratch.count
        write(&scratch)
        return SampleBytes(source: .scratch, start: start, count: scratch.count - start)
    }

    /// The same text in the scratch, where it may be changed.
    func copyToScratch(_ bytes: SampleBytes) -> SampleBytes {
        if case .scratch = bytes.source { return bytes }
        let start = scratch.count
        // Not through `make`: the bytes are read while the scratch grows, and are known not to be in it.
        withBytes(bytes) { scratch.append($0) }
        return SampleBytes(source: .scratch, start: start, count: bytes.count)
    }

    /// Runs `body` and takes away what it left in the scratch.
    @inlinable @inline(__always)
    public func withScratch<R>(_ body: () -> R) -> R {
        let mark = scratch.count
        defer { if scratch.count > mark { scratch.removeLast(scratch.count - mark) } }
        return body()
    }
}

/// Conversions between types, as HAProxy makes them where one type is asked for and another is there.
extension SampleValue {
    /// The value as text; numbers and addresses are written into the scratch.
    public func bytes(_ context: ExchangeContext) -> SampleBytes {
        switch self {
        case .string(let bytes): bytes
        case .bool(let value): context.make { $0.append(value ? 0x31 : 0x30) }
        case .integer(let value): context.make { TextWriter.append(to: &$0) { $0.append(number: value) } }
        case .address(let address): context.make { TextWriter.append(to: &$0) { $0.append(ip: address) } }
        }
    }

    /// The value as a number: text as far as it begins with one; nil where it is none.
    public func integer(_ context: ExchangeContext) -> Int? {
        switch self {
        case .integer(let value): value
        case .bool(let value): value ? 1 : 0
        case .address(.v4(let word)): Int(word)
        case .address(.v6): nil
        case .string(let bytes): bytes.count == 0 ? nil : context.withBytes(bytes, leadingInteger)
        }
    }

    /// The value as yes or no; nil where it is neither.
    public func bool(_ context: ExchangeContext) -> Bool? { integer(context).map { $0 != 0 } }

    /// The value as an address; nil where it is none.
    public func address(_ context: ExchangeContext) -> IPAddress? {
        switch self {
        case .address(let address): address
        // As in HAProxy, the low 32 bits.
        case .integer(let value): .v4(UInt32(truncatingIfNeeded: value))
        case .bool: nil
        // No address is written with more than 45 bytes.
        case .string(let bytes): bytes.count > 45 ? nil : context.withBytes(bytes) { IPAddress($0.text) }
        }
    }
}

/// The number that the bytes begin with, sign included; 0 if there is none, and no further than Int reaches.
private func leadingInteger(_ bytes: RawSpan) -> Int {
    var value = 0
    var i = 0
    let isNegative = bytes[0] == 0x2D
    if isNegative || bytes[0] == 0x2B { i = 1 }
    while i < bytes.byteCount {
        let digit = bytes[i] &- 0x30
        guard digit < 10 else { break }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(Int(digit))
        if overflow || carry { return isNegative ? .min : .max }
        value = sum
        i += 1
    }
    return isNegative ? -value : value
}

// Each of these borrows its whole: a span cannot leave the access to a class's property.

extension RequestHead {
    @inlinable @inline(__always)
    func withBytes<R>(
        _ part: SampleBytes.RequestPart, _ range: Range<Int>, _ body: (RawSpan) -> R
    ) -> R {
        switch part {
        case .method: body(methodName.extracting(range))
        case .target: body(target.extracting(range))
        case .path: body(path.extracting(range))
        case .query: body(query.extracting(range))
        case .pathAndQuery: body(pathAndQuery.extracting(range))
        case .line(let i): fields.withValue(i, range, body)
        }
    }

    fileprivate func byteCount(_ part: SampleBytes.RequestPart) -> Int {
        switch part {
        case .method: methodName.byteCount
        case .target: target.byteCount
        case .path: path.byteCount
        case .query: query.byteCount
        case .pathAndQuery: pathAndQuery.byteCount
        case .line(let i): fields.value(i).byteCount
        }
    }

    /// Whether there is a request at all: not so in the log line of one that was refused while it was read.
    var isPresent: Bool { target.byteCount > 0 }
    public var hasHost: Bool { host.byteCount > 0 }

    /// Appends host and path, as `base` has them, or as `baseq` does.
    func appendBase(withQuery hasQuery: Bool = false, to out: inout [UInt8]) {
        out.append(host)
        if targetForm != .asterisk { out.append(hasQuery ? pathAndQuery : path) }
    }
}

extension HeaderFields {
    @inlinable @inline(__always)
    func withValue<R>(_ i: Int, _ range: Range<Int>, _ body: (RawSpan) -> R) -> R {
        body(value(i).extracting(range))
    }
}

extension [UInt8] {
    @inlinable @inline(__always)
    func withBytes<R>(_ range: Range<Int>, _ body: (RawSpan) -> R) -> R {
        unsafe body(span.bytes.extracting(range))
    }
}
