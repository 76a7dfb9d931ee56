// A peer's end of a connection in HTTP/2: frames over a link, cut anywhere, by the same code in the other role. What the peer says and when,
// and whether what comes is what should come, is up to its user.

import Basics
import Chance
import HTTP
import KernelSimulation
import Reactor

final class FrameLink {
    /// What has come.
    enum Event {
        case head(StreamSlot)
        case content(StreamSlot, [UInt8])
        /// Nothing follows on the stream.
        case ended(StreamSlot)
        case reset(StreamSlot, HTTP2ErrorCode)
        case goAway(lastStream: UInt32)
        case failed(HTTP2Fault)
    }

    let http2: HTTP2Connection
    private let link: Link
    private let pool = BufferPool(blockBytes: 32_768)
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    /// Frames that have not been sent.
    private var outgoing: [UInt8] = []
    /// Content that has come and for which the window is not opened again.
    private var held: [StreamSlot: Int] = [:]
    /// It opens windows late.
    private let isSlow: Bool
    private(set) var sent = 0

    init(_ role: HTTP2Connection.Role, over link: Link, limits: HTTP2Limits, _ random: inout SeededRandom) {
        self.link = link
        isSlow = random.oneIn(4)
        http2 = HTTP2Connection(role, limits: limits, headLimits: HeadLimits(headBytesMax: 60_000, fieldsMax: 200))
    }

    deinit {
        input.release(to: pool)
        output.release(to: pool)
    }

    /// What a peer allows: windows of every size.
    static func drawLimits(_ random: inout SeededRandom) -> HTTP2Limits {
        var limits = HTTP2Limits()
        limits.initialWindow = [300, 5_000, 65_535, 65_536, 1_000_000].randomElement(using: &random) ?? 65_535
        limits.receiveBytesMax = [65_535, 100_000, 1_600_000].randomElement(using: &random) ?? 65_535
        limits.headerTableSize = random.oneIn(3) ? 65_536 : 4_096
        if random.oneIn(4) { limits.maxFrameSize = 20_000 }
        return limits
    }

    // MARK: Reading

    /// Reads what has come, and tells of each event.
    func receive(_ bytes: [UInt8], at now: Instant, _ tell: (Event) -> Void) {
        var rest = bytes[...]
        repeat {
            input.acquire(from: pool)
            input.compact()
            let piece = rest.prefix(input.room)
            rest = rest.dropFirst(piece.count)
            let fits = input.append(Array(piece))
            precondition(fits, "\(piece.count) bytes do not fit")
            understand(at: now, tell)
        } while !rest.isEmpty && http2.fault == nil
    }

    private func understand(at now: Instant, _ tell: (Event) -> Void) {
        while true {
            switch http2.next(&input, at: now) {
            case .needsInput: return
            case .needsRoom: drain()
            case .head(let slot): tell(.head(slot))
            case .content(let slot, let count, let isLast):
                var content: [UInt8] = []
                content.append(input.readable.extracting(0..<count))
                input.consume(count)
                held[slot, default: 0] += count
                tell(.content(slot, content))
                if isLast { tell(.ended(slot)) }
            case .ended(let slot): tell(.ended(slot))
            case .reset(let slot, let code, _): tell(.reset(slot, code))
            case .windowOpened, .progressed: break
            case .goAway(let last, _): tell(.goAway(lastStream: last))
            case .failed(let fault): return tell(.failed(fault))
            }
        }
    }

    /// Whether windows are to be opened.
    var holdsContent: Bool { !held.isEmpty }

    /// Opens windows by what was read: by all of it, or after some time by a part.
    func openWindows(_ random: inout SeededRandom) {
        for slot in held.keys.sorted() {
            guard let count = held[slot], !isSlow || random.oneIn(3) else { continue }
            let part = isSlow ? random.number(1...count) : count
            http2.took(part, of: slot)
            held[slot] = part < count ? count - part : nil
        }
        http2.openWindows()
    }

    func release(_ slot: StreamSlot, code: HTTP2ErrorCode) {
        http2.release(slot, code: code)
        if let count = held.removeValue(forKey: slot) { http2.giveBack(count) }
    }

    // MARK: Sending

    /// Sends as much of `content` as may be sent now: how much that is.
    func send(_ content: ArraySlice<UInt8>, on slot: StreamSlot) -> Int {
        drain()
        output.acquire(from: pool)
        let bytes = Array(content)
        let count = unsafe http2.sendContent(bytes.span.bytes, on: slot, to: &output)
        outgoing.append(output.readable)
        output.consume(output.count)
        return count
    }

    /// Sends bytes that may be no frame at all.
    func send(raw bytes: [UInt8]) {
        drain()
        outgoing += bytes
    }

    private func drain() {
        output.acquire(from: pool)
        while http2.pendingControlBytes > 0 {
            http2.drain(into: &output)
            outgoing.append(output.readable)
            output.consume(output.count)
        }
    }

    /// Whether something waits to be sent.
    var hasOutgoing: Bool { !outgoing.isEmpty || http2.pendingControlBytes > 0 }

    /// Lets at most `count` bytes leave.
    func flush(atMost count: Int, _ kernel: SimulatedKernel) {
        drain()
        let count = min(count, outgoing.count)
        guard count > 0 else { return }
        link.send(outgoing[..<count], kernel)
        outgoing.removeFirst(count)
        sent += count
    }

    /// A PING, at times.
    func pingNowAndThen(_ random: inout SeededRandom) {
        if random.oneIn(200) { send(raw: [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]) }
    }
}

extension Head {
    /// What the peers care about of a response in HTTP/2.
    init(_ response: borrowing ResponseHead) {
        status = response.status
        id = Self.number(named: "x-id", response.fields)
        tunnelLength = Self.number(named: "x-tunnel", response.fields) ?? -1
    }

    /// What the peers care about of a request in HTTP/2.
    init?(_ request: borrowing RequestHead) {
        var name: [UInt8] = []
        name.append(request.methodName)
        guard let method = Method(rawValue: String(decoding: name, as: UTF8.self)) else { return nil }
        var target: [UInt8] = []
        target.append(request.target)
        let digits = target.drop { !(0x30...0x39).contains($0) }.prefix { (0x30...0x39).contains($0) }
        isRequest = true
        self.method = method
        id = Int(String(decoding: digits, as: UTF8.self))
        tunnelLength = Self.number(named: "x-tunnel", request.fields) ?? 0
        asksForUpgrade = request.asksForUpgrade
        expectsContinue = request.fields.first(named: Array("expect".utf8)) != nil
        for i in 0..<request.fields.count where request.fields.known(i) == .host { hosts += 1 }
    }

    private static func number(named name: String, _ fields: borrowing HeaderFields) -> Int? {
        guard let index = fields.first(named: Array(name.utf8)) else { return nil }
        var value: [UInt8] = []
        value.append(fields.value(index))
        return Int(String(decoding: value, as: UTF8.self))
    }
}
