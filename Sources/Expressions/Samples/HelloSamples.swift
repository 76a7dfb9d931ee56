// The contents of a TLS ClientHello in bytes that pass through (manual, section 7.3.5): server name, versions, protocols.

internal import Basics
internal import Configuration
internal import Patterns
internal import TLS

enum HelloSample: SampleFamily {
    case type(MessageSide)
    case version, serverName, protocols, hasCurves, ticket
    case ciphers, groups, signatureAlgorithms, keyShares

    static let rows: [SampleRow] = {
        let type = row(
            "req.ssl_hello_type", .integer, .type(.request),
            "1 if the client has sent a whole TLS ClientHello; otherwise the type of its first handshake message.")
        var version = row(
            "req.ssl_ver", .integer, .version,
            "The version of the client's hello: the major number times 65536 and the minor one; 3.3 in a criterion.")
        version.integer = number(ofVersion:)
        let name = row("req.ssl_sni", .string, .serverName, "The server's name that the client's hello asks for (SNI).")
        let answer = row(
            "res.ssl_hello_type", .integer, .type(.response), "2 if the server has sent a whole TLS ServerHello.")
        return [
            type, type.named("req_ssl_hello_type"), version, version.named("req_ssl_ver"), name,
            name.named("req_ssl_sni"),
            row(
                "req.ssl_alpn", .string, .protocols,
                "The protocols that the client's hello offers (ALPN); the first of them."),
            row("req.ssl_ec_ext", .bool, .hasCurves, "Whether the client's hello names elliptic curves."),
            row(
                "req.ssl_st_ext", .integer, .ticket,
                "0 if the client's hello knows no session tickets, 1 if it does, 2 if it has one."),
            row("req.ssl_cipherlist", .binary, .ciphers, "The ciphers that the client's hello offers, two bytes each."),
            row(
                "req.ssl_supported_groups", .binary, .groups,
                "The groups of the client's hello, curves say, two bytes each."
            ),
            row(
                "req.ssl_sigalgs", .binary, .signatureAlgorithms,
                "The signature algorithms of the client's hello, two bytes each."),
            row(
                "req.ssl_keyshare_groups", .binary, .keyShares,
                "The groups for which the client's hello has keys, two bytes each."),
            answer, answer.named("rep_ssl_hello_type"),
        ]
    }()

    private static func row(_ name: String, _ type: SampleType, _ sample: HelloSample, _ summary: String) -> SampleRow {
        let isResponse = if case .type(.response) = sample { true } else { false }
        return SampleRow(
            name, yields: type, from: isResponse ? .responseBytes : .requestBytes, summary: summary
        ) { (arguments, table) throws(ConfigProblem) in
            table.payloadSamples.append(arguments.ownReference)
            return .hello(sample)
        }
    }

    /// A version as it stands in a criterion, 3.1 or a range like 3.1:3.3, as the number that the sample yields. What is no
    /// version stays as it is.
    private static func number(ofVersion word: Word) -> Word {
        let ends = word.text.split(separator: ":", omittingEmptySubsequences: false).map { end -> String in
            let parts = end.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
            guard parts.count == 2, let major = parts[0], let minor = parts[1] else { return String(end) }
            return "\(Int(major) << 16 | Int(minor))"
        }
        return Word(ends.joined(separator: ":"), at: word.range)
    }
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        let side: MessageSide = if case .type(let side) = self { side } else { .request }
        let all = SampleBytes(
            source: .payload(side), start: 0,
            count: side == .request ? context.requestPayload.count : context.responsePayload.count)
        switch self {
        case .type: return read(all, context) { HandshakeMessage.type($0) }.map { .integer(Int($0)) }
        case .version:
            return read(all, context) { ClientHello.parse($0) }.map { .integer(Int($0.major) << 16 | Int($0.minor)) }
        case .serverName:
            guard let name = read(all, context, { ClientHello.parse($0) })?.serverName else { return nil }
            return .string(SampleBytes(source: all.source, start: name.lowerBound, count: name.count))
        case .protocols:
            guard let list = read(all, context, { ClientHello.parse($0) })?.protocols else { return nil }
            let begin = cursor.isIterating ? max(cursor.offset, list.lowerBound) : list.lowerBound
            guard begin < list.upperBound else { return nil }
            let count = context.withBytes(all) { Int($0[begin]) }
            cursor.offset = begin + 1 + count
            cursor.hasMore = cursor.isIterating && cursor.offset < list.upperBound
            return .string(SampleBytes(source: all.source, start: begin + 1, count: count))
        case .hasCurves: return read(all, context) { ClientHello.parse($0) }.map { .bool($0.hasCurves) }
        case .ticket: return read(all, context) { ClientHello.parse($0) }.map { .integer($0.ticket) }
        case .ciphers: return read(all, context) { ClientHello.parse($0) }?.ciphers.map { .string(all.part($0)) }
        case .groups: return read(all, context) { ClientHello.parse($0) }?.groups.map { .string(all.part($0)) }
        case .signatureAlgorithms:
            return read(all, context) { ClientHello.parse($0) }?.signatureAlgorithms.map { .string(all.part($0)) }
        case .keyShares:
            guard let list = read(all, context, { ClientHello.parse($0) })?.keyShares else { return nil }
            return context.convert(all.part(list)) { ClientHello.appendGroups(ofKeyShares: $0, to: &$1) }
        }
    }

    /// nil if it is no hello, or not yet a whole one.
    private func read<T>(_ bytes: SampleBytes, _ context: ExchangeContext, _ parse: (RawSpan) -> HelloProgress<T>) -> T?
    {
        switch context.withBytes(bytes, parse) {
        case .found(let value): return value
        case .needsMore: context.isUndecided = context.mayGrow
        case .none: break
        }
        return nil
    }
}

enum HelloProgress<T> {
    case found(T)
    case needsMore
    /// These bytes begin no TLS connection.
    case none
}

/// The first handshake message of one side (RFC 8446 section 4), whole within its first record.
enum HandshakeMessage {
    /// Where a record's fragment begins, and the message's body in it.
    static let recordHeaderBytes = 5
    static let headerBytes = 9
    /// A record of TLS 1.2 holds no more (RFC 5246 section 6.2.3).
    private static let recordBytesMax = 1 << 14 + 2_048

    static func type(_ bytes: RawSpan) -> HelloProgress<UInt8> {
        switch body(bytes) {
        case .found: .found(bytes[recordHeaderBytes])
        case .needsMore: .needsMore
        case .none: .none
        }
    }

    /// Where the message's body is.
    static func body(_ bytes: RawSpan) -> HelloProgress<Range<Int>> {
        guard bytes.byteCount > 0 else { return .needsMore }
        // A handshake record of a version 3.x.
        guard bytes[0] == 22, bytes.byteCount < 2 || bytes[1] == 3 else { return .none }
        guard bytes.byteCount >= headerBytes else { return .needsMore }
        let record = bytes.number(at: 3, bytes: 2)
        guard record >= 6, record <= recordBytesMax else { return .none }
        let length = bytes.number(at: 6, bytes: 3)
        guard 4 + length <= record else { return .none }
        guard bytes.byteCount >= headerBytes + length else { return .needsMore }
        return .found(headerBytes..<headerBytes + length)
    }
}

extension ClientHello {
    /// A hello whose lengths do not fit together is none.
    static func parse(_ bytes: RawSpan) -> HelloProgress<ClientHello> {
        switch HandshakeMessage.body(bytes) {
        case .needsMore: return .needsMore
        case .none: return .none
        case .found(let body):
            guard bytes[HandshakeMessage.recordHeaderBytes] == 1, let hello = ClientHello(bytes, body) else {
                return .none
            }
            return .found(hello)
        }
    }
}

extension RawSpan {
    fileprivate func number(at offset: Int, bytes count: Int) -> Int {
        var value = 0
        for i in offset..<offset + count { value = value << 8 | Int(self[i]) }
        return value
    }
}
