// What a request is for, as a number of 32 bits, alone and with the client's address behind it (manual, section 7.3.6).
//
// The hash is SDBM's, then Bob Jenkins' mixing of 32 bits and a multiplication: the numbers are HAProxy's.

internal import Basics
internal import Configuration
internal import HTTP

enum HashSample: SampleFamily {
    /// Of the Host field and the path; of the Host field and the whole target.
    case base, target
    /// The same as bytes with the client's address behind them.
    case baseAndSource, targetAndSource

    static let rows: [SampleRow] = [
        SampleRow(
            "base32", yields: .integer, from: .requestHead, .hash(.base), summary: "A hash of what base yields."),
        SampleRow(
            "base32+src", yields: .binary, from: .requestHead, .hash(.baseAndSource),
            summary: "base32 in four bytes and the client's address in four or sixteen."),
        SampleRow(
            "url32", yields: .integer, from: .requestHead, .hash(.target),
            summary: "A hash of the Host field and the whole target."),
        SampleRow(
            "url32+src", yields: .binary, from: .requestHead, .hash(.targetAndSource),
            summary: "url32 in four bytes and the client's address in four or sixteen."),
    ]
    func head(in side: MessageSide) -> MessageSide? { .request }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        guard context.request.isPresent else { return nil }
        let hash = context.request.hash(ofWholeTarget: self == .target || self == .targetAndSource)
        if self == .base || self == .target { return .integer(Int(hash)) }
        guard let source = context.client.ip else { return nil }
        return .string(
            context.make {
                $0.append(bigEndian: hash)
                switch source {
                case .v4(let word): $0.append(bigEndian: word)
                case .v6(let high, let low):
                    $0.append(bigEndian: high)
                    $0.append(bigEndian: low)
                }
            })
    }
}

extension RequestHead {
    fileprivate func hash(ofWholeTarget isWhole: Bool) -> UInt32 {
        var hash: UInt32 = 0
        if let i = fields.first(.host) { hash = fields.value(i).sdbm(from: hash) }
        if isWhole {
            hash = target.sdbm(from: hash)
        } else if targetForm != .asterisk {
            hash = path.sdbm(from: hash)
        }
        return hash.avalanched
    }
}

extension RawSpan {
    fileprivate func sdbm(from start: UInt32) -> UInt32 {
        var hash = start
        for i in 0..<byteCount {
            let byte = UInt32(bitPattern: Int32(Int8(bitPattern: self[i])))
            hash = byte &+ hash << 6 &+ hash << 16 &- hash
        }
        return hash
    }
}

extension UInt32 {
    /// Every bit of the number in every bit of the result.
    fileprivate var avalanched: UInt32 {
        var a = self
        a = a &+ 0x7ED5_5D16 &+ a << 12
        a = a ^ 0xC761_C23C ^ a >> 19
        a = a &+ 0x1656_67B1 &+ a << 5
        a = (a &+ 0xD3A2_646C) ^ a << 9
        a = a &+ 0xFD70_46C5 &+ a << 3
        a = a ^ 0xB55A_4F09 ^ a >> 16
        return a &* 3_221_225_473
    }
}
