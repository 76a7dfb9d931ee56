// What servers say to a request: responses of every kind, with the request's number in a field.

import Chance
import KernelSimulation

struct ResponseScript {
    var bytes: [UInt8] = []
    /// The connection ends with it.
    var closes = false
    /// What the server sends in the tunnel that follows; nil if none does.
    var tunnelLength: Int?
    /// Bytes of the tunnel that come in one piece with the head.
    var tunnelBegun = 0

    static func draw(_ head: Head, closes: Bool, _ configuration: RoundConfiguration, _ random: inout SeededRandom)
        -> ResponseScript
    {
        var script = ResponseScript()
        script.closes = closes
        if random.oneIn(30) && !head.isOld {
            script.bytes += "HTTP/1.1 103 Early Hints\r\nX-Id: \(head.id ?? 0)\r\nLink: </style>\r\n\r\n".utf8
        }
        if configuration.hasFaults && !configuration.isTCP && random.oneIn(40) {
            script.bytes += bad(&random).utf8
            script.closes = true
        } else if head.tunnelLength > 0 && !random.oneIn(5) {
            script.openTunnel(head, &random)
        } else {
            script.answer(head, configuration, &random)
        }
        return script
    }

    private mutating func openTunnel(_ head: Head, _ random: inout SeededRandom) {
        let length = Sizes.body(&random)
        tunnelLength = length
        let first =
            head.method == .connect
            ? "200 OK\r\n" : "101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n"
        bytes += "HTTP/1.1 \(first)X-Id: \(head.id ?? 0)\r\nX-Tunnel: \(length)\r\n\r\n".utf8
        tunnelBegun = random.oneIn(2) ? min(length, 100) : 0
        bytes += Pattern.body(of: head.id ?? 0, .tunnelBack, count: tunnelBegun)
    }

    private mutating func answer(_ head: Head, _ configuration: RoundConfiguration, _ random: inout SeededRandom) {
        let id = head.id ?? 0
        // A server that closes says so, unless it is one of those that misbehave.
        var fields = "X-Id: \(id)\r\n"
        if closes && !(configuration.hasFaults && random.oneIn(4)) { fields += "Connection: close\r\n" }
        if random.oneIn(20) { fields += "Content-Type: text/event-stream\r\n" }
        if random.oneIn(20) { fields += "X-Accel-Buffering: no\r\n" }
        if configuration.hasFaults && random.oneIn(60) { fields += "X-Secret: yes\r\n" }
        let isBodiless = head.method == .head
        let body = Pattern.body(of: id, .response, count: Sizes.body(&random))
        switch random.number(0...9) {
        case 0 where head.method != .connect && !head.asksForUpgrade:
            bytes += "HTTP/1.1 \(random.oneIn(2) ? "204 No Content" : "304 Not Modified")\r\n\(fields)\r\n".utf8
        case 1, 2, 3:
            let status = Self.status(head, configuration, &random)
            bytes += "HTTP/1.1 \(status)\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n".utf8
            if !isBodiless {
                if !configuration.isTCP && random.oneIn(4) {
                    Self.chunkSloppily(body, into: &bytes, &random)
                } else {
                    RequestScript.chunk(body, into: &bytes, &random)
                }
            }
        case 4 where closes:
            let version = random.oneIn(2) ? "1.0" : "1.1"
            bytes += "HTTP/\(version) \(Self.status(head, configuration, &random))\r\n\(fields)\r\n".utf8
            if !isBodiless { bytes += body }
        default:
            let status = Self.status(head, configuration, &random)
            bytes += "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n\(fields)\r\n".utf8
            if !isBodiless { bytes += body }
        }
    }

    /// Appends a body in chunks as careless servers write them: padded sizes, lines that end with LF alone.
    private static func chunkSloppily(
        _ body: ArraySlice<UInt8>, into bytes: inout [UInt8], _ random: inout SeededRandom
    ) {
        var rest = body
        while !rest.isEmpty {
            let piece = rest.prefix(max(random.number(1...9_000), body.count / 60))
            rest = rest.dropFirst(piece.count)
            bytes += String(repeating: "0", count: random.number(0...20)).utf8
            bytes += String(piece.count, radix: 16).utf8
            bytes += String(repeating: " ", count: random.number(0...9)).utf8
            bytes += (random.oneIn(2) ? "\n" : "\r\n").utf8
            bytes += piece
            bytes += (random.oneIn(2) ? "\n" : "\r\n").utf8
        }
        bytes += (random.oneIn(4) ? "0  \nX-Trailer: yes\n\n" : "0 \n\n").utf8
    }

    private static func status(
        _ head: Head, _ configuration: RoundConfiguration, _ random: inout SeededRandom
    ) -> String {
        // A tunnel that is refused has to be refused; to a client of HTTP/2 a switch of protocols is such a tunnel.
        let isTunnel = head.method == .connect || head.asksForUpgrade && configuration.hasMultiplexedClients
        if isTunnel { return "403 Forbidden" }
        return ["200 OK", "200 OK", "200 OK", "404 Not Found", "500 Server Error"].randomElement(using: &random) ?? ""
    }

    private static func bad(_ random: inout SeededRandom) -> String {
        badTexts.randomElement(using: &random) ?? ""
    }

    private static let badTexts: [String] = {
        let long = String(repeating: "x", count: 20_000)
        let good = "HTTP/1.1 200 OK\r\n"
        return [
            "\(good)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "\(good)Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "\(good)Content-Length: 0x5\r\n\r\nhello",
            "\(good)Transfer-Encoding: gzip\r\n\r\nhello", "\(good)Transfer-Encoding: chunked\r\n\r\nzz\r\nhello",
            "\(good)X : y\r\n\r\n", "\(good)X: \(long)\r\n\r\n", "\(good) folded: yes\r\n\r\n", "hello, world\r\n\r\n",
            "HTTP/1.1 99 Low\r\n\r\n", "HTTP/3 200 OK\r\n\r\n", "\0\0\0\0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: surprise\r\nConnection: Upgrade\r\n\r\n",
        ]
    }()
}
