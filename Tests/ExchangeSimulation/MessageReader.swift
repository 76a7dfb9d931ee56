// How the peers read HTTP/1: strictly, byte by byte if need be, and without a line of the code under test.

/// What a head says, as far as the peers care.
struct Head {
    var isRequest = false
    var method = Method.get
    var status = 0
    /// The exchange it belongs to; nil if Portico says it itself, 0 if its bytes belong to none.
    var id: Int?
    var length: Int?
    var isChunked = false
    var closes = false
    var isOld = false
    var expectsContinue = false
    /// A request asks for another protocol: in HTTP/2 any 2xx agrees to that.
    var asksForUpgrade = false
    /// Bytes that the sender will say in the tunnel that follows.
    var tunnelLength = 0
    var hosts = 0
}

enum Method: String, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case connect = "CONNECT"

    var hasBody: Bool { self == .post || self == .put }
}

struct MessageReader {
    enum Event {
        case head(Head)
        case end
        /// The bytes are not what they should be.
        case wrong(String)
    }

    private enum State { case head, length(Int), chunkLine, chunk(Int), chunkEnd, trailer, untilClose, tunnel }

    private var state = State.head
    private var line: [UInt8] = []
    private var offset = 0
    private var id = 0
    private var direction: Direction
    /// The next response answers a request by HEAD, or by CONNECT.
    var methodAsked = Method.get
    /// Bytes of the message's body, or of the tunnel, so far.
    var contentCount: Int { offset }

    init(reading direction: Direction) { self.direction = direction }

    /// Nothing of a message has come, or its end may be the connection's end.
    var mayEndHere: Bool {
        switch state {
        case .head: line.isEmpty
        case .untilClose, .tunnel: true
        default: false
        }
    }
    var readsUntilClose: Bool { if case .untilClose = state { true } else { false } }
    var isInTunnel: Bool { if case .tunnel = state { true } else { false } }

    /// From here on every byte belongs to the tunnel of exchange `id`.
    mutating func enterTunnel(of id: Int, _ direction: Direction) {
        self.id = id
        self.direction = direction
        offset = 0
        state = .tunnel
    }

    /// What comes next in `bytes` from `at` on; nil when all is used up.
    mutating func next(_ bytes: [UInt8], _ at: inout Int) -> Event? {
        while true {
            switch state {
            case .head:
                guard takeLine(bytes, &at, through: Self.emptyLine) else { return nil }
                return headComplete()
            case .length(let left):
                if left > 0 {
                    guard at < bytes.count else { return nil }
                    let count = min(left, bytes.count - at)
                    guard take(count, bytes, &at) else { return wrong("a byte of a body") }
                    state = .length(left - count)
                } else {
                    state = .head
                    return .end
                }
            case .chunkLine:
                guard takeLine(bytes, &at, through: Self.lineEnd) else { return nil }
                let digits = line.dropLast(2).prefix { $0 != 0x3B }
                guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
                    return wrong("a chunk's size: \(text(line))")
                }
                line.removeAll(keepingCapacity: true)
                state = size == 0 ? .trailer : .chunk(size)
            case .chunk(let left):
                guard at < bytes.count else { return nil }
                let count = min(left, bytes.count - at)
                guard take(count, bytes, &at) else { return wrong("a byte of a chunk") }
                state = left == count ? .chunkEnd : .chunk(left - count)
            case .chunkEnd:
                guard takeLine(bytes, &at, through: Self.lineEnd) else { return nil }
                guard line.count == 2 else { return wrong("a chunk's end: \(text(line))") }
                line.removeAll(keepingCapacity: true)
                state = .chunkLine
            case .trailer:
                guard takeLine(bytes, &at, through: Self.lineEnd) else { return nil }
                let isLast = line.count == 2
                line.removeAll(keepingCapacity: true)
                if isLast {
                    state = .head
                    return .end
                }
            case .untilClose, .tunnel:
                guard at < bytes.count else { return nil }
                guard take(bytes.count - at, bytes, &at) else { return wrong("a byte of a stream") }
            }
        }
    }

    private func wrong(_ what: String) -> Event { .wrong("\(what) (exchange \(id), offset \(offset))") }

    private mutating func take(_ count: Int, _ bytes: [UInt8], _ at: inout Int) -> Bool {
        let fits = id <= 0 || Pattern.matches(bytes[at..<at + count], id, direction, offset: offset)
        at += count
        offset += count
        return fits
    }

    private static let lineEnd: [UInt8] = [0x0D, 0x0A]
    private static let emptyLine: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]

    /// Moves bytes into `line` until it ends with `mark`.
    private mutating func takeLine(_ bytes: [UInt8], _ at: inout Int, through mark: [UInt8]) -> Bool {
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            line.append(byte)
            if byte == 0x0A && line.count >= mark.count && line.suffix(mark.count).elementsEqual(mark) { return true }
        }
        return false
    }

    // MARK: Heads

    private mutating func headComplete() -> Event {
        var head = Head()
        var start = 0
        var isFirst = true
        while let end = line[start...].firstIndex(of: 0x0D), end > start {
            let isGood = isFirst ? Self.firstLine(line[start..<end], &head) : Self.field(line[start..<end], &head)
            guard isGood else { return wrong("a head: \(text(line))") }
            isFirst = false
            start = end + 2
        }
        line.removeAll(keepingCapacity: true)
        guard direction == .request || !head.isRequest else { return wrong("a request where a response should be") }
        if head.isChunked && head.length != nil { return wrong("two framings") }
        id = head.id ?? -1
        offset = 0
        let hasNone =
            head.isRequest
            ? !head.isChunked && head.length == nil
            : head.status < 200 || head.status == 204 || head.status == 304 || methodAsked == .head
                || methodAsked == .connect && head.status < 300
        // An interim response and a switch of protocols are no ends.
        if !head.isRequest && head.status < 200 { return .head(head) }
        state =
            hasNone ? .length(0) : head.isChunked ? .chunkLine : head.length.map { .length($0) } ?? .untilClose
        return .head(head)
    }

    private static func firstLine(_ line: ArraySlice<UInt8>, _ head: inout Head) -> Bool {
        let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3 else { return false }
        if words[0].elementsEqual("HTTP/1.1".utf8) || words[0].elementsEqual("HTTP/1.0".utf8) {
            head.isOld = words[0].last == 0x30
            head.status = number(words[1]) ?? 0
            return (100...599).contains(head.status)
        }
        guard let method = Method(rawValue: String(decoding: words[0], as: UTF8.self)) else { return false }
        head.isRequest = true
        head.method = method
        head.isOld = words[2].last == 0x30
        head.id = number(words[1].drop { !(0x30...0x39).contains($0) }.prefix { (0x30...0x39).contains($0) })
        return head.id != nil
    }

    private static func field(_ line: ArraySlice<UInt8>, _ head: inout Head) -> Bool {
        guard let colon = line.firstIndex(of: 0x3A) else { return false }
        let name = line[..<colon].map { $0 | 0x20 }
        let value = line[(colon + 1)...].drop { $0 == 0x20 }
        switch name.count {
        case 4 where name == FieldName.id:
            guard head.isRequest || head.id == nil else { return false }
            if !head.isRequest { head.id = number(value) }
        case 4 where name == FieldName.host: head.hosts += 1
        case 6 where name == FieldName.expect: head.expectsContinue = true
        case 7 where name == FieldName.upgrade: head.asksForUpgrade = head.isRequest
        case 8 where name == FieldName.tunnel: head.tunnelLength = number(value) ?? 0
        case 10 where name == FieldName.connection: head.closes = value.elementsEqual("close".utf8)
        case 14 where name == FieldName.contentLength:
            guard head.length == nil, let length = number(value) else { return false }
            head.length = length
        case 17 where name == FieldName.transferEncoding:
            guard !head.isChunked, value.elementsEqual("chunked".utf8) else { return false }
            head.isChunked = true
        default: break
        }
        return true
    }

    private enum FieldName {
        static let id = Array("x-id".utf8)
        static let host = Array("host".utf8)
        static let expect = Array("expect".utf8)
        static let upgrade = Array("upgrade".utf8)
        static let tunnel = Array("x-tunnel".utf8)
        static let connection = Array("connection".utf8)
        static let contentLength = Array("content-length".utf8)
        static let transferEncoding = Array("transfer-encoding".utf8)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count < 18 else { return nil }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit & 15)
        }
        return value
    }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix(200), as: UTF8.self).debugDescription }
