// What clients send: requests of every kind, each with its number in its target.

import Chance
import KernelSimulation

/// One request, and what has to come of it if everybody behaves.
struct RequestScript {
    let id: Int
    let method: Method
    var bytes: [UInt8]
    /// Bytes of its content, and whether the head does not say so.
    var contentLength = 0
    var isChunked = false
    /// Where the client waits for the server's word before it sends the body.
    var pause: Int?
    /// What it sends when the connection has become a tunnel; nil if it asked for none.
    var tunnelLength: Int?
    /// Portico answers itself, with one of these; nil if a server does.
    var ownStatuses: [Int]?
    /// Nothing can follow it on its connection.
    let isLast: Bool

    /// For complaints.
    var title: String { String(decoding: bytes.prefix { $0 != 0x0D }.prefix(40), as: UTF8.self) }

    static func draw(id: Int, isLast: Bool, _ configuration: RoundConfiguration, _ random: inout SeededRandom)
        -> RequestScript
    {
        if isLast && configuration.hasFaults && !configuration.isTCP && random.oneIn(12) { return bad(&random) }
        if isLast && random.oneIn(12) { return tunnel(id, &random) }
        if !configuration.isTCP && random.oneIn(8), let route = Route.ofPortico.randomElement(using: &random) {
            return own(id, route, isLast: isLast, &random)
        }
        return ordinary(id, isLast: isLast, &random)
    }

    /// The same behind the header of a proxy.
    func behind(_ header: [UInt8]) -> RequestScript {
        var script = self
        script.bytes = header + bytes
        script.pause = pause.map { $0 + header.count }
        return script
    }

    // MARK: For a server

    private static func ordinary(_ id: Int, isLast: Bool, _ random: inout SeededRandom) -> RequestScript {
        let route = random.oneIn(2) ? Route.plain : Route.ofServers.randomElement(using: &random) ?? .plain
        let method = random.oneIn(2) ? Method.get : [.head, .post, .put].randomElement(using: &random) ?? .get
        var head = "\(method.rawValue) /\(route)/\(id) "
        let isOld = isLast && random.oneIn(10)
        head += isOld ? "HTTP/1.0\r\n" : "HTTP/1.1\r\n"
        if !isOld || random.oneIn(2) { head += "Host: site.test\r\n" }
        if isLast && !isOld && random.oneIn(3) { head += "Connection: close\r\n" }
        if random.oneIn(20) { head += "X-Filling: \(String(repeating: "f", count: random.number(1...1_500)))\r\n" }
        guard method == .post || method == .put else {
            return RequestScript(id: id, method: method, bytes: Array((head + "\r\n").utf8), isLast: isLast)
        }
        let body = Pattern.body(of: id, .request, count: Sizes.body(&random))
        let waits = !isOld && random.oneIn(6)
        if waits { head += "Expect: 100-continue\r\n" }
        let isChunked = !isOld && random.oneIn(2)
        var bytes = Array((head + (isChunked ? chunkedHead : "Content-Length: \(body.count)\r\n\r\n")).utf8)
        let pause = waits ? bytes.count : nil
        if isChunked {
            Self.chunk(body, into: &bytes, &random)
        } else {
            bytes += body
        }
        return RequestScript(
            id: id, method: method, bytes: bytes, contentLength: body.count, isChunked: isChunked, pause: pause,
            isLast: isLast)
    }

    private static let chunkedHead = "Transfer-Encoding: chunked\r\n\r\n"

    /// Appends a body in chunks, at times with extensions and trailers.
    static func chunk(_ body: ArraySlice<UInt8>, into bytes: inout [UInt8], _ random: inout SeededRandom) {
        var rest = body
        let longest = [7, 300, 9_000, 70_000].randomElement(using: &random) ?? 300
        while !rest.isEmpty {
            // A thousand chunks of a few bytes each are nothing new.
            let piece = rest.prefix(max(random.number(1...longest), body.count / 60))
            rest = rest.dropFirst(piece.count)
            let more = random.oneIn(30) ? ";name=\"value\"" : ""
            bytes += "\(String(piece.count, radix: 16))\(more)\r\n".utf8
            bytes += piece
            bytes += "\r\n".utf8
        }
        bytes += (random.oneIn(20) ? "0\r\nX-Trailer: yes\r\n\r\n" : "0\r\n\r\n").utf8
    }

    private static func tunnel(_ id: Int, _ random: inout SeededRandom) -> RequestScript {
        let length = Sizes.body(&random)
        let words = "X-Tunnel: \(length)\r\n\r\n"
        let head =
            random.oneIn(4)
            ? "CONNECT \(id).test:443 HTTP/1.1\r\nHost: \(id).test:443\r\n\(words)"
            : "GET /plain/\(id) HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\(words)"
        return RequestScript(
            id: id, method: head.hasPrefix("C") ? .connect : .get, bytes: Array(head.utf8), tunnelLength: length,
            isLast: true)
    }

    // MARK: For Portico itself

    private static func own(_ id: Int, _ route: Route, isLast: Bool, _ random: inout SeededRandom) -> RequestScript {
        let path: String
        let statuses: [Int]
        switch route {
        case .files:
            let isThere = random.oneIn(2)
            path = isThere ? "/files/page.html" : "/files/nothing"
            statuses = [isThere ? 200 : 404]
        case .redirected: (path, statuses) = ("/redirected/", [302])
        case .denied: (path, statuses) = ("/denied/", [403])
        case .stats: (path, statuses) = ("/stats", [200])
        default: (path, statuses) = ("/returned/", [200])
        }
        let method = random.oneIn(3) ? Method.head : .get
        let text = "\(method.rawValue) \(path)?\(id) HTTP/1.1\r\nHost: site.test\r\n\r\n"
        return RequestScript(
            id: id, method: method, bytes: Array(text.utf8), ownStatuses: statuses, isLast: isLast)
    }

    /// Nothing that a proxy may pass on.
    private static func bad(_ random: inout SeededRandom) -> RequestScript {
        RequestScript(
            id: 0, method: .post, bytes: Array((badTexts.randomElement(using: &random) ?? "").utf8), isLast: true)
    }

    private static let badTexts: [String] = {
        let start = "POST /plain/0 HTTP/1.1\r\n"
        let host = "Host: site.test\r\n"
        let long = String(repeating: "x", count: 20_000)
        return [
            "\(start)\(host)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "\(start)\(host)Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "\(start)\(host)Content-Length: +5\r\n\r\nhello", "\(start)\(host)Transfer-Encoding: chunked, gzip\r\n\r\n",
            "\(start)\(host)\(chunkedHead)5\r\nhello\r\n-1\r\n", "\(start)\(host)\(chunkedHead)5\r\nhellohello\r\n",
            "\(start)\(host)\(chunkedHead)ffffffffffffffffff\r\n", "\(start)Host : site.test\r\n\r\n",
            "\(start)\(host) folded\r\n\r\n", "\(start)\(host)X: a\rb\r\n\r\n", "\(start)\r\n", "GET\r\n\r\n",
            "GET /\(long) HTTP/1.1\r\n\(host)\r\n", "\(start)\(host)X: \(long)\r\n\r\n", "\0\0\0\0\r\n\r\n",
            "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", "GET /\r\n",
        ]
    }()
}

/// How much there is of something: mostly little, now and then a lot.
enum Sizes {
    static func body(_ random: inout SeededRandom) -> Int {
        switch random.number(0...99) {
        case 0..<10: 0
        case 10..<60: random.number(1...200)
        case 60..<92: random.number(200...5_000)
        case 92..<99: random.number(5_000...40_000)
        default: random.number(40_000...200_000)
        }
    }
}
