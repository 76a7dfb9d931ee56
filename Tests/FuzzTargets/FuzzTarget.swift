// Properties that must hold for arbitrary bytes. A violation traps, which is what a fuzzer
// detects. `make fuzz` searches for inputs that reach new code; the tests run those it kept in `Corpus`.

import Basics
import HTTP

public enum FuzzTarget: String, CaseIterable, Sendable {
    case requests, responses, bodies, proxyheaders, payloads, configuration, records, headerblocks, frames

    /// The first byte of the input selects the mode for the others.
    public func run(_ input: [UInt8]) {
        guard let choice = input.first else { return }
        let bytes = Array(input.dropFirst())
        switch self {
        case .requests: MessageFuzz(bytes, choice, isRequest: true).run()
        case .responses: MessageFuzz(bytes, choice, isRequest: false).run()
        case .bodies: BodyFuzz(bytes, choice).run()
        case .proxyheaders: ProxyHeaderFuzz(bytes, choice).run()
        case .payloads: PayloadFuzz(bytes, choice).run()
        case .configuration: ConfigurationFuzz.run(bytes)
        case .records:
            var records = RecordFuzz(bytes, choice)
            records.run()
        case .headerblocks:
            var blocks = HeaderBlockFuzz(bytes, choice)
            blocks.run()
        case .frames:
            var frames = FrameFuzz(bytes, choice)
            frames.run()
        }
    }
}

/// The bytes that `write` puts into an empty buffer.
func written(_ write: (inout ByteBuffer) -> Bool) -> [UInt8] {
    let pool = BufferPool(blockBytes: 1 << 20)
    var buffer = ByteBuffer()
    buffer.acquire(from: pool)
    defer { buffer.release(to: pool) }
    precondition(write(&buffer), "it does not fit into a megabyte")
    var bytes: [UInt8] = []
    bytes.append(buffer.readable)
    return bytes
}
