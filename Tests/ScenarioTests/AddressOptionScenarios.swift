// Options of listening sockets and of connections to servers: what the system is told of them, read from copies of Portico's
// sockets, and what peers see: addresses, headers, proxies, network namespaces.

import Foundation
import Glibc
import Synchronization
import Testing

@Suite(.staged) struct AddressOptionScenarios {
    private struct SocketFacts: Decodable {
        let local: [Part]
        let peer: [Part]?
        let listens: Bool
        let mss: Int
        let userTimeout: Int
        let congestion: String
        let fastOpenQueue: Int
        let fastOpenConnect: Int
        let interface: String
        let transparent: Bool
        let deferAccept: Bool
        let onlyV6: Bool

        /// An address or a port.
        enum Part: Decodable, Equatable {
            case text(String), number(Int)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                self = try (try? container.decode(Int.self)).map(Part.number) ?? .text(container.decode(String.self))
            }
        }
    }

    /// Portico's TCP sockets; nil, and a line that says so, where the system does not permit to look.
    private func sockets(of portico: Portico) throws -> [SocketFacts]? {
        let ended = try python("socket_options.py", ["\(portico.process.pid)"])
        if ended.exit == .status(77) {
            print("skipped: this user may not look at another process's sockets")
            return nil
        }
        #expect(ended.exit == .status(0), "\(ended.errors)")
        return try ended.output.split(separator: "\n").map {
            try JSONDecoder().decode(SocketFacts.self, from: Data($0.utf8))
        }
    }

    private static let isRoot = getuid() == 0

    // MARK: Listeners

    @Test("What a bind line says of its sockets is what they are", .enabled(if: isRoot))
    func listenerOptions() throws {
        let (plain, six, ignored) = (try freePort(), try freePort(), try freePort())
        let portico = try Portico(
            """
            \(opening(global: "nbthread 2"))
            frontend www
                bind 127.0.0.1:\(plain) mss 1000 tcp-ut 5s cc reno tfo defer-accept interface lo transparent
                bind [::1]:\(six) v6only transparent
                bind 127.0.0.1:\(ignored) cc no-such-algorithm
                http-request return status 200
            """, listeningOn: plain, six, ignored)
        guard let all = try sockets(of: portico) else { return }
        let facts = all.filter { $0.listens && $0.local.last == .number(plain) }
        #expect(facts.count == 2)
        for fact in facts {
            #expect(fact.mss == 1_000 && fact.userTimeout == 5_000 && fact.congestion == "reno")
            #expect(fact.fastOpenQueue > 0 && fact.deferAccept && fact.transparent && fact.interface == "lo")
        }
        #expect(all.filter { $0.local.last == .number(six) }.allSatisfy { $0.onlyV6 && $0.transparent })
        let warnings = portico.process.errors.split(separator: "\n").filter { $0.contains("refuses 'cc'") }
        #expect(warnings.count == 1, "\(portico.process.errors)")
    }

    @Test(
        "`shards` shares sockets among threads, and a soft stop loses none of their clients",
        .enabled(if: Portico.isItself))
    func shards() throws {
        let (one, each) = (try freePort(), try freePort())
        let portico = try Portico(
            """
            \(opening(global: "nbthread 3"))
            frontend www
                bind 127.0.0.1:\(one) shards 1
                bind 127.0.0.1:\(each) shards by-thread
                http-request return status 200 content-type text/plain string hello
            """, listeningOn: one, each)
        let clients = try (1...30).map { _ in try Connection(to: one) }
        for client in clients { #expect(try client.fetch("/").text == "hello") }
        portico.process.signal(SIGTTOU)
        #expect(eventually { !isListening(on: one) && !isListening(on: each) })
        portico.process.signal(SIGTTIN)
        #expect(eventually { isListening(on: one) && isListening(on: each) })
        #expect(try fetch("/", from: one).text == "hello")
        #expect(try fetch("/", from: each).text == "hello")
        portico.process.signal(SIGUSR1)
        for client in clients { client.close() }
        #expect(portico.process.end() == .status(0))
    }

    @Test("`maxconn` of a bind line is that address's alone")
    func addressLimit() throws {
        let (narrow, wide) = (try freePort(), try freePort())
        _ = try Portico(
            """
            \(opening(global: "nbthread 2"))
            frontend www
                bind 127.0.0.1:\(narrow) maxconn 2
                bind 127.0.0.1:\(wide)
                http-request return status 200 content-type text/plain string hello
            """, listeningOn: narrow, wide)
        let first = try Connection(to: narrow)
        let second = try Connection(to: narrow)
        for client in [first, second] { #expect(try client.fetch("/").text == "hello") }
        let third = try Connection(to: narrow)
        try third.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(third.staysSilent(for: 0.3))
        #expect(try fetch("/", from: wide).text == "hello")
        first.close()
        #expect(try third.receiveAnswer().text == "hello")
    }

    @Test("`id` and `name` of a bind line are what rules and logs call it")
    func identity() throws {
        let (named, numbered) = (try freePort(), try freePort())
        let portico = try Portico(
            """
            \(opening(defaults: #"log-format "from %fi %[so_id] %[so_name]""#))
            frontend www
                bind 127.0.0.1:\(numbered) id 7
                bind 127.0.0.1:\(named) name public
                http-request return status 200 hdr x-id %[so_id]
            """, listeningOn: named, numbered)
        #expect(try fetch("/", from: numbered)["x-id"] == "7")
        #expect(try fetch("/", from: named)["x-id"] == "2")
        _ = try portico.logLine(with: " 7 ")
    }

    @Test(
        "Connections beyond `rate-limit sessions`, `maxconnrate` or `maxsessrate` wait for the next second",
        arguments: ["rate-limit sessions", "maxconnrate", "maxsessrate"])
    func rates(keyword: String) throws {
        let front = try freePort()
        let isFrontends = keyword.hasPrefix("rate-limit")
        _ = try Portico(
            """
            \(opening(global: "nbthread 2\n    \(isFrontends ? "" : "\(keyword) 10")"))
            frontend www
                bind 127.0.0.1:\(front)
                \(isFrontends ? "\(keyword) 10" : "")
                http-request return status 200 content-type text/plain string hello
            """, listeningOn: front)
        let begin = Date()
        let clients = try (1...35).map { _ in
            let client = try Connection(to: front)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return client
        }
        for client in clients { #expect(try client.receiveAnswer().text == "hello") }
        // Ten at once, and then ten a second.
        let seconds = Date().timeIntervalSince(begin)
        #expect(seconds > 1.9, "35 connections took \(seconds) s")
    }

    // MARK: Where connections to servers come from

    /// A server that says from where a connection has come, and keeps it open.
    private func echo() throws -> ScriptedServer {
        try ScriptedServer(host: 1) { connection, _ in
            while true {
                _ = try connection.receiveRequest(within: 60)
                let text = connection.peerAddress
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
    }

    @Test("`source` is where connections come from, a section's for servers without their own")
    func source() throws {
        let server = try echo()
        let front = try FrontDoor(
            before: server.port,
            backend: "    source 127.0.0.8\n    server own 127.0.0.1:\(server.port) source 127.0.0.9:0")
        var seen: Set<String> = []
        for _ in 1...4 { seen.insert(String(try fetch("/", from: front.port).text.prefix { $0 != ":" })) }
        #expect(seen == ["127.0.0.8", "127.0.0.9"])
    }

    @Test("Checks, and questions to an agent, come from `source` too")
    func sourceOfChecks() throws {
        let seen = Mutex<Set<String>>([])
        @Sendable func note(_ kind: String, _ connection: Connection) {
            let host = String(connection.peerAddress.prefix { $0 != ":" })
            seen.withLock { _ = $0.insert("\(kind) \(host)") }
        }
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest(within: 10)
            note("check", connection)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        let agent = try ScriptedServer { connection, _ in
            _ = try connection.receive(count: 5, within: 10)
            note("agent", connection)
            try connection.send("up\n")
        }
        let front = try FrontDoor(
            before: server.port, backend: "    option httpchk GET /health",
            server: "source 127.0.0.8 check inter 50ms agent-check agent-port \(agent.port) agent-inter 50ms "
                + "agent-send \"main\\n\"")
        #expect(eventually { seen.withLock { $0.count } >= 2 })
        #expect(seen.withLock { $0 } == ["check 127.0.0.8", "agent 127.0.0.8"], "\(front.portico.process.errors)")
    }

    @Test("Ports of a range are used in turn, and those in use are left out")
    func sourcePorts() throws {
        let server = try echo()
        let first = try freePort()
        let front = try FrontDoor(
            before: server.port, defaults: "    option httpclose",
            server: "source 127.0.0.9:\(first)-\(first + 2)")
        let ports = try (1...2).map { _ in try fetch("/", from: front.port).text }
        #expect(Set(ports) == ["127.0.0.9:\(first)", "127.0.0.9:\(first + 1)"] || Set(ports).count == 2)
        #expect(ports.allSatisfy { $0.hasPrefix("127.0.0.9:") })
    }

    @Test("`usesrc` shows the server a client's address, and connections are that client's", .enabled(if: isRoot))
    func presented() throws {
        let server = try echo()
        let front = try FrontDoor(
            before: server.port, defaults: "    http-reuse always",
            server: "source 127.0.0.1 usesrc clientip pool-low-conn 2",
            bind: "accept-proxy")
        func client(_ last: Int) throws -> Connection {
            let client = try Connection(to: front.port)
            try client.send("PROXY TCP4 127.0.0.\(last) 127.0.0.1 4000 80\r\n")
            return client
        }
        let (one, two) = (try client(55), try client(66))
        for _ in 1...2 {
            #expect(try one.fetch("/").text.hasPrefix("127.0.0.55:"))
            #expect(try two.fetch("/").text.hasPrefix("127.0.0.66:"))
        }
        #expect(server.connectionCount == 2)
    }

    @Test(
        "`usesrc hdr_ip` shows the address of a field, the last by default, and else this machine's",
        .enabled(if: isRoot))
    func presentedField() throws {
        let server = try echo()
        for (argument, wanted) in [("hdr_ip(x-for)", "127.0.0.44"), ("hdr_ip(x-for,1)", "127.0.0.33")] {
            let front = try FrontDoor(before: server.port, server: "source 127.0.0.9 usesrc \(argument)")
            let text = try fetch("/", from: front.port, headers: "X-For: 127.0.0.33, 127.0.0.44").text
            #expect(text.hasPrefix(wanted + ":"))
            #expect(try fetch("/", from: front.port).text.hasPrefix("127.0.0.9:"))
        }
        let fixed = try FrontDoor(before: server.port, server: "source 127.0.0.9 usesrc 127.0.0.77")
        #expect(try fetch("/", from: fixed.port).text.hasPrefix("127.0.0.77:"))
    }

    @Test("What a server's line says of its sockets is what they are", .enabled(if: isRoot))
    func serverOptions() throws {
        let server = try echo()
        let front = try FrontDoor(
            before: server.port,
            server: "tcp-ut 7s \(Portico.isItself ? "cc reno" : "") tfo source 127.0.0.9 interface lo")
        let client = try Connection(to: front.port)
        #expect(try client.fetch("/").text.hasPrefix("127.0.0.9:"))
        guard let all = try sockets(of: front.portico) else { return }
        let facts = try #require(all.first { $0.peer?.last == .number(server.port) })
        #expect(facts.userTimeout == 7_000 && facts.interface == "lo")
        #expect(!Portico.isItself || facts.congestion == "reno" && facts.fastOpenConnect == 1)
    }

    @Test("A tunnel whose server speaks first does not wait for the client with `tfo`")
    func fastOpenTunnel() throws {
        let server = try ScriptedServer { connection, _ in
            try connection.send("220 hello\r\n")
            _ = try? connection.receiveAll(within: 30)
        }
        let front = try FrontDoor(before: server.port, defaults: "    mode tcp", server: "tfo")
        for _ in 1...3 { #expect(try Connection(to: front.port).receive(through: "\n") == "220 hello\r\n") }
    }

    // HAProxy has it since 3.2.
    @Test(
        "Signed segments pass between those with the same password, and others get nowhere",
        .enabled(if: Portico.isItself && isRoot))
    func signatures() throws {
        let (front, back) = (try freePort(), try freePort())
        _ = try Portico(
            """
            \(opening(defaults: "timeout connect 300ms\n    retries 0"))
            frontend www
                bind 127.0.0.1:\(front)
                use_backend wrong if { path /wrong }
                default_backend right
            backend right
                server s 127.0.0.1:\(back) tcp-md5sig secret
            backend wrong
                server s 127.0.0.1:\(back) tcp-md5sig guess
            frontend signed
                bind 127.0.0.1:\(back) tcp-md5sig secret
                http-request return status 200 content-type text/plain string signed
            """, listeningOn: front, back)
        #expect(try fetch("/", from: front).text == "signed")
        #expect(try fetch("/wrong", from: front).status == 503)
    }

    // MARK: Headers

    /// The NetScaler Client IP header, in both forms: 192.0.2.7:1234 to 198.51.100.1:443.
    private func clientAddress(isOld: Bool, magic: [UInt8] = [0, 0, 0, 42], protocol number: UInt8 = 6) -> [UInt8] {
        let ip: [UInt8] = [0x45, 0, 0, 40, 0, 0, 0, 0, 64, number, 0, 0, 192, 0, 2, 7, 198, 51, 100, 1]
        let tcp: [UInt8] = [0x04, 0xD2, 0x01, 0xBB] + [UInt8](repeating: 0, count: 16)
        return magic + (isOld ? [0, 0, 0, 40] : [0, 0, 0, 52, 0, 0, 0, 40]) + ip + tcp
    }

    @Test("`accept-netscaler-cip`: the header says who the client is", arguments: [true, false])
    func netScaler(isOld: Bool) throws {
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port) accept-netscaler-cip 42
                http-request return status 200 hdr x-ends %[src]:%[src_port]>%[dst]:%[dst_port]
            """, listeningOn: port)
        let request = Array("GET /known HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let client = try Connection(to: port)
        try client.send(bytes: clientAddress(isOld: isOld) + request)
        #expect(try client.receiveAnswer()["x-ends"] == "192.0.2.7:1234>198.51.100.1:443")
        #expect(try portico.exchange(with: "/known").client == "192.0.2.7:1234")
        for (bytes, words) in [
            (clientAddress(isOld: isOld, magic: [0, 0, 0, 43]), "invalid NetScaler Client IP magic number"),
            (clientAddress(isOld: isOld, protocol: 17), "unhandled protocol in the NetScaler Client IP header"),
        ] {
            let other = try Connection(to: port)
            try other.send(bytes: bytes + request)
            #expect(other.isClosedByPeer())
            _ = try portico.logLine(with: words)
        }
    }

    // HAProxy has it since 2.9.
    @Test("`set-proxy-v2-tlv-fmt` adds values to the header, byte by byte", .enabled(if: Portico.isItself))
    func headerValues() throws {
        let server = try ScriptedServer { connection, _ in
            let head = try connection.receive(count: 16)
            let rest = try connection.receive(count: Int(head[14]) << 8 + Int(head[15]))
            let hex = rest.dropFirst(12).map { String(format: "%02X", $0) }.joined()
            _ = try connection.receiveRequest()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(hex.utf8.count)\r\n\r\n\(hex)")
        }
        let front = try FrontDoor(
            before: server.port,
            server:
                "send-proxy-v2 set-proxy-v2-tlv-fmt(0xE1) %[fc_pp_tlv(0xE0)] set-proxy-v2-tlv-fmt(226) x-%[req.hdr(x)]",
            bind: "accept-proxy")
        let client = try Connection(to: front.port)
        var bytes = Array("\r\n\r\n\0\r\nQUIT\n!".utf8)
        bytes += [0x11, 0, 18, 127, 0, 0, 1, 127, 0, 0, 1, 0, 1, 0, 80]
        bytes += [0xE0, 0, 3, 0x00, 0x0A, 0xFF]
        bytes += Array("GET / HTTP/1.1\r\nHost: a\r\nX: one\r\n\r\n".utf8)
        try client.send(bytes: bytes)
        #expect(try client.receiveAnswer().text == "E10003000AFFE20005782D6F6E65")
    }

    @Test(
        "A header that does not fit into a buffer is an error, and a long one goes before a long request",
        .enabled(if: Portico.isItself))
    func longHeaderValues() throws {
        let server = try ScriptedServer { connection, _ in
            let head = try connection.receive(count: 16)
            let count = Int(head[14]) << 8 + Int(head[15])
            _ = try connection.receive(count: count)
            let request = try connection.receiveRequest()
            let text = "\(count) \(request["x-long"]?.utf8.count ?? 0)"
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        }
        func front(_ count: Int) throws -> FrontDoor {
            try FrontDoor(
                before: server.port, defaults: "    retries 0",
                server: "send-proxy-v2 set-proxy-v2-tlv-fmt(0xE1) \(String(repeating: "v", count: count))")
        }
        let long = "X-Long: " + String(repeating: "l", count: 14_000)
        #expect(try fetch("/", from: front(10_000).port, headers: long).text == "10015 14000")
        #expect(try fetch("/", from: front(20_000).port).status == 503)
    }

    // MARK: Proxies and namespaces

    @Test("`socks4`: connections go through the proxy, with a PROXY header, TLS or neither behind it")
    func socks() throws {
        let server = try ScriptedServer(saying: "hello")
        let proxy = try freePort()
        try startPeer(["/usr/bin/python3", "-B", peer("socks4_proxy.py"), "\(proxy)"], on: proxy)
        let front = try FrontDoor(before: server.port, server: "socks4 127.0.0.1:\(proxy)")
        #expect(try fetch("/1", from: front.port).text == "hello")

        let (secure, chain) = (try freePort(), try freePort())
        let certificate = try TestAuthority().issue(for: "localhost")
        _ = try Portico(
            """
            \(opening())
            frontend chain
                bind 127.0.0.1:\(chain)
                default_backend secure
            backend secure
                server s 127.0.0.1:\(secure) socks4 127.0.0.1:\(proxy) send-proxy-v2 ssl verify none
            frontend secure
                bind 127.0.0.1:\(secure) accept-proxy ssl crt \(certificate)
                http-request return status 200 content-type text/plain lf-string "%[fc_rcvd_proxy] %[ssl_fc]"
            """, listeningOn: secure, chain)
        #expect(try fetch("/", from: chain).text == "1 1")
    }

    @Test("A SOCKS proxy that refuses, closes or is silent is a connection that fails", .enabled(if: Portico.isItself))
    func refusingSocks() throws {
        let server = try ScriptedServer(saying: "hello")
        let proxy = try freePort()
        try startPeer(["/usr/bin/python3", "-B", peer("socks4_proxy.py"), "\(proxy)", "91"], on: proxy)
        let closing = try ScriptedServer { _, _ in }
        let silent = try ScriptedServer { connection, _ in _ = try? connection.receiveAll(within: 30) }
        for port in [proxy, closing.port, silent.port] {
            let front = try FrontDoor(
                before: server.port, defaults: "    retries 0\n    timeout connect 500ms",
                server: "socks4 127.0.0.1:\(port)")
            #expect(try fetch("/", from: front.port).status == 503)
        }
        #expect(server.connectionCount == 0)
    }

    @Test(
        "Checks go through the SOCKS proxy with `check-via-socks4`, in clear and in TLS, and have its refusal as reason"
    )
    func checksThroughSocks() throws {
        let certificate = try TestAuthority().issue(for: "localhost")
        let proxies = try [(freePort(), "90"), (freePort(), "91")]
        for (port, code) in proxies {
            try startPeer(["/usr/bin/python3", "-B", peer("socks4_proxy.py"), "\(port)", code], on: port)
        }
        let (granting, refusing) = (proxies[0].0, proxies[1].0)
        let (plain, secure) = (try freePort(), try freePort())
        let portico = try Portico(
            """
            \(opening())
            backend granted
                option log-health-checks
                option httpchk GET /granted
                server plain 127.0.0.1:\(plain) socks4 127.0.0.1:\(granting) check-via-socks4 check inter 50ms
                server secure 127.0.0.1:\(secure) socks4 127.0.0.1:\(granting) check-via-socks4 check inter 50ms ssl verify none
                server around 127.0.0.1:\(plain) socks4 127.0.0.1:\(refusing) check inter 50ms
            backend refused
                option log-health-checks
                server s 127.0.0.1:\(plain) socks4 127.0.0.1:\(refusing) check-via-socks4 check inter 50ms fall 1
            backend closed
                option log-health-checks
                option tcp-check
                tcp-check connect via-socks4
                server s 127.0.0.1:\(plain) socks4 127.0.0.1:\(plain) check inter 50ms fall 1
            frontend site
                bind 127.0.0.1:\(plain)
                bind 127.0.0.1:\(secure) ssl crt \(certificate)
                http-request return status 200
            """, listeningOn: plain, secure)
        func logged(_ words: String) -> Bool { eventually { portico.process.output.contains(words) } }
        for name in ["plain", "secure", "around"] {
            #expect(logged("Health check for server granted/\(name) succeeded, reason: Layer7 check passed"))
        }
        #expect(
            logged(
                "refused/s failed, reason: Layer4 connection problem, info: \"the SOCKS proxy refuses with code 91\""))
        // An HTTP server is no proxy.
        #expect(
            logged(
                "closed/s failed, reason: Layer4 connection problem, info: \"the SOCKS proxy refuses with code 84 at step 1 of tcp-check (connect)\""
            ))
    }

    @Test("`sockpair@`: connections go as descriptors from one socket to the other", arguments: ["http", "tcp"])
    func pairs(mode: String) throws {
        var ends: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let server = try ScriptedServer(saying: "hello")
        let port = try freePort()
        let file = try Stage.current.file(
            "pair.cfg",
            """
            \(opening(global: "nbthread 2", defaults: "mode \(mode)"))
            frontend www
                bind 127.0.0.1:\(port)
                default_backend through
            backend through
                server s sockpair@\(ends[0])
            frontend behind
                bind sockpair@\(ends[1])
                default_backend app
            backend app
                server s 127.0.0.1:\(server.port)

            """)
        let process = try Child(
            [Portico.binary, "-db", "-f", file], named: "pair", in: Stage.current.folder, descriptors: ends)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        Stage.current.inCaseOfFailure { process.errors + process.output }
        for end in ends { _ = Child.whileNoneStarts { Glibc.close(end) } }
        #expect(eventually { isListening(on: port) })
        let clients = try (1...20).map { _ in try Connection(to: port) }
        for client in clients { #expect(try client.fetch("/").text == "hello") }
    }

    @Test("`namespace`: listeners and servers may be in network namespaces", .enabled(if: isRoot))
    func namespaces() throws {
        let name = "portico-\(getpid())-\(UUID().uuidString.prefix(4))"
        guard try play(["ip", "netns", "add", name]).exit == .status(0) else {
            print("skipped: no network namespace can be made here")
            return
        }
        Stage.current.atTheEnd { _ = try? play(["ip", "netns", "del", name]) }
        #expect(try play(["ip", "netns", "exec", name, "ip", "link", "set", "lo", "up"]).exit == .status(0))
        let (front, inside) = (try freePort(), try freePort())
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                default_backend inside
            backend inside
                option httpchk
                server s 127.0.0.1:\(inside) namespace \(name) check inter 100ms fall 1
            frontend inside
                bind 127.0.0.1:\(inside) namespace \(name)
                http-request return status 200 content-type text/plain string inside
            """, listeningOn: front)
        #expect(!isListening(on: inside))
        #expect(try fetch("/", from: front).text == "inside")
        let there = try play([
            "ip", "netns", "exec", name, "curl", "-s", "--max-time", "20", "http://127.0.0.1:\(inside)/",
        ])
        #expect(there.output == "inside")
    }
}
