// Headers of the PROXY protocol: parsed at once and in pieces; the result is written and parsed again.

import ProxyProtocol

struct ProxyHeaderFuzz {
    private let bytes: [UInt8]
    private let bytesMax: Int

    init(_ bytes: [UInt8], _ choice: UInt8) {
        self.bytes = bytes
        bytesMax = choice & 1 == 0 ? 16_384 : 64
    }

    func run() {
        let whole = parse(bytes)
        precondition(read(piece: 1) == whole, "byte by byte it reads differently")
        precondition(read(piece: 7) == whole, "in pieces it reads differently")
        guard case .complete(let header, let count) = whole else { return }
        precondition(count > 0 && count <= bytes.count && count <= max(107, bytesMax), "a header of \(count) bytes")
        precondition(parse(Array(bytes[..<count])) == whole, "what is behind the header belongs to it")
        for version in [ProxyHeaderVersion.one, .two] {
            let written = ProxyHeader.bytes(version, header.ends)
            precondition(
                parse(written) == .complete(ProxyHeader(ends: header.ends), bytes: written.count),
                "sent on, it says something else")
        }
    }

    private func parse(_ bytes: [UInt8]) -> ProxyHeaderParser.Outcome {
        unsafe ProxyHeaderParser.parse(bytes.span.bytes, bytesMax: bytesMax)
    }

    /// Parses as a connection would: again when more bytes have arrived.
    private func read(piece: Int) -> ProxyHeaderParser.Outcome {
        var available = 0
        while available < bytes.count {
            available = min(bytes.count, available + piece)
            let outcome = parse(Array(bytes[..<available]))
            if outcome != .needMore { return outcome }
        }
        return .needMore
    }
}
