// Names that rules resolve with nameservers: `resolvers` and `do-resolve`, with a scripted nameserver.

import Foundation
import Glibc
import ScriptedNameserver
import Testing

@Suite(.staged) struct ResolverScenarios {
    /// A proxy that sends each request to its Host, as in the manual.
    private struct ForwardProxy {
        let portico: Portico
        let port: Int

        init(_ nameservers: Int..., resolvers: String = "", global: String = "", frontend: String = "") throws {
            port = try freePort()
            let lines = nameservers.enumerated().map { "    nameserver n\($0) 127.0.0.1:\($1)" }
            portico = try Portico(
                """
                \(opening(global: global))
                resolvers dns
                \(lines.joined(separator: "\n"))
                    timeout retry 1s
                    hold valid 60s
                \(resolvers)
                frontend www
                    bind 127.0.0.1:\(port)
                    http-request return status 200 content-type text/plain string here if { path /here }
                \(frontend)
                    http-request do-resolve(txn.ip,dns,ipv4) hdr(host),host_only
                    use_backend unknown unless { var(txn.ip) -m found }
                    default_backend there
                backend unknown
                backend there
                    http-request deny unless { var(txn.ip) -m ip 127.0.0.0/8 }
                    http-request set-dst var(txn.ip)
                    http-request set-dst-port hdr(host),port_only
                    server clear 0.0.0.0:0
                """, listeningOn: port)
        }

        func fetch(_ host: String, within seconds: Double = patience) throws -> Answer {
            let connection = try Connection(to: port)
            defer { connection.close() }
            try connection.send("GET / HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            return try connection.receiveAnswer(within: seconds)
        }
    }

    @Test("A request goes where the nameserver says that its Host is, or nowhere")
    func forward() throws {
        let first = try ScriptedServer(saying: "first")
        let second = try ScriptedServer(saying: "second")
        let nameserver = try ScriptedNameserver([
            "one.test": ["127.0.0.1"], "two.test": ["127.0.0.1", "192.0.2.1"], "elsewhere.test": ["192.0.2.1"],
        ])
        let proxy = try ForwardProxy(nameserver.port)
        #expect(try proxy.fetch("one.test:\(first.port)").text == "first")
        #expect(try proxy.fetch("elsewhere.test:\(first.port)").status == 403)
        #expect(try proxy.fetch("ONE.test:\(second.port)").text == "second")
        #expect(try proxy.fetch("no.test:\(first.port)").status == 503)
        #expect(try proxy.fetch("a..b:\(first.port)").status == 503)
        #expect(first.connectionCount == 1 && nameserver.count(of: "a..b") == 0)
    }

    // HAProxy queries again for each request.
    @Test(
        "Many who ask for one name are one question, and what is held is not asked again",
        .enabled(if: Portico.isItself))
    func shared() throws {
        let server = try ScriptedServer(saying: "hello")
        let nameserver = try ScriptedNameserver { _ in .late(200, .addresses(["127.0.0.1"])) }
        let proxy = try ForwardProxy(nameserver.port, resolvers: "    timeout retry 60s", global: "    nbthread 2")
        let clients = try (0..<40).map { _ in try Connection(to: proxy.port) }
        for client in clients {
            try client.send("GET / HTTP/1.1\r\nHost: app.test:\(server.port)\r\nConnection: close\r\n\r\n")
        }
        for client in clients { #expect(try client.receiveAnswer().text == "hello") }
        #expect(try proxy.fetch("app.test:\(server.port)").text == "hello")
        #expect(nameserver.questions.count == 1)
    }

    @Test("While a nameserver is silent everybody else is served, and whoever asked goes on without in the end")
    func silent() throws {
        let nameserver = try ScriptedNameserver { _ in .silence }
        let proxy = try ForwardProxy(nameserver.port, global: "    nbthread 1")
        let client = try Connection(to: proxy.port)
        try client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        #expect(eventually { nameserver.count(of: "app.test") > 0 })
        for _ in 1...20 { #expect(try fetch("/here", from: proxy.port).text == "here") }
        #expect(try client.receiveAnswer().status == 503)
        #expect(nameserver.count(of: "app.test") == 3)
    }

    // HAProxy queries again for seconds, whatever the reply.
    @Test(
        "A nameserver that lies or refuses is as good as none",
        .enabled(if: Portico.isItself),
        arguments: [
            ScriptedNameserver.Answer.wrongIdentifier(["127.0.0.1"]), .wrongQuestion(["127.0.0.1"]), .refused, .code(2),
            .nothing, .bytes(Array(repeating: 0xFF, count: 500)), .records(count: 9, []), .addresses([]),
            .addresses(["0.0.0.0"]),
            .truncated([]),
        ])
    func lies(_ answer: ScriptedNameserver.Answer) throws {
        let server = try ScriptedServer(saying: "hello")
        let nameserver = try ScriptedNameserver { $0.name == "good.test" ? .addresses(["127.0.0.1"]) : answer }
        let proxy = try ForwardProxy(nameserver.port)
        #expect(try proxy.fetch("bad.test:\(server.port)").status == 503)
        #expect(try proxy.fetch("good.test:\(server.port)").text == "hello")
        #expect(server.connectionCount == 1)
    }

    @Test("The first nameserver with an address is believed, whatever the others do")
    func several() throws {
        let server = try ScriptedServer(saying: "hello")
        let silent = try ScriptedNameserver { _ in .silence }
        let denying = try ScriptedNameserver([:])
        let late = try ScriptedNameserver { _ in .late(100, .addresses(["127.0.0.1"])) }
        let proxy = try ForwardProxy(silent.port, denying.port, late.port, resolvers: "    timeout retry 60s")
        #expect(try proxy.fetch("app.test:\(server.port)").text == "hello")
    }

    @Test("A client that leaves while its name is looked up is in the log, and missed by nobody")
    func left() throws {
        let curtain = DispatchSemaphore(value: 0)
        let nameserver = try hesitating(until: curtain)
        let server = try ScriptedServer(saying: "hello")
        let proxy = try ForwardProxy(nameserver.port, resolvers: "    timeout retry 60s")
        let client = try Connection(to: proxy.port)
        try client.send("GET /left HTTP/1.1\r\nHost: app.test:\(server.port)\r\n\r\n")
        #expect(eventually { nameserver.count(of: "app.test") == 1 })
        client.reset()
        #expect(try proxy.portico.exchange(with: "/left").termination.hasPrefix("C"))
        curtain.signal()
        #expect(try proxy.fetch("app.test:\(server.port)").text == "hello")
    }

    /// A nameserver that knows the address and delays its reply until the curtain rises.
    private func hesitating(until curtain: DispatchSemaphore) throws -> ScriptedNameserver {
        Stage.current.atTheEnd { curtain.signal() }
        return try ScriptedNameserver { _ in
            curtain.wait()
            return .addresses(["127.0.0.1"])
        }
    }

    @Test("Told to stop softly, it answers those who wait for an address, and ends")
    func softStop() throws {
        let curtain = DispatchSemaphore(value: 0)
        let nameserver = try hesitating(until: curtain)
        let server = try ScriptedServer(saying: "hello")
        let proxy = try ForwardProxy(nameserver.port, resolvers: "    timeout retry 60s")
        let client = try Connection(to: proxy.port)
        try client.send("GET / HTTP/1.1\r\nHost: app.test:\(server.port)\r\n\r\n")
        #expect(eventually { nameserver.count(of: "app.test") == 1 })
        proxy.portico.process.signal(SIGUSR1)
        #expect(eventually { !isListening(on: proxy.port) })
        curtain.signal()
        #expect(try client.receiveAnswer().text == "hello")
        #expect(proxy.portico.process.end() == .status(0))
    }

    @Test("Told to end, it does not wait for nameservers")
    func hardStop() throws {
        let nameserver = try ScriptedNameserver { $0.isTCP ? .silence : .truncated([]) }
        let proxy = try ForwardProxy(nameserver.port, resolvers: "    timeout retry 60s")
        let client = try Connection(to: proxy.port)
        try client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        #expect(eventually { nameserver.count(of: "app.test") > 0 })
        proxy.portico.process.signal(SIGTERM)
        #expect(proxy.portico.process.end() != nil)
    }

    @Test("In TCP mode a connection goes where a name leads that its first bytes have")
    func tunnel() throws {
        let server = try ScriptedServer { connection, _ in
            try connection.send("hello, " + connection.receive(through: "\n"))
        }
        let nameserver = try ScriptedNameserver(["app.test": ["127.0.0.1"]])
        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            resolvers dns
                nameserver one 127.0.0.1:\(nameserver.port)
                timeout retry 60s
            listen tunnel
                mode tcp
                option tcplog
                bind 127.0.0.1:\(port)
                tcp-request inspect-delay 60s
                tcp-request content do-resolve(txn.ip,dns,ipv4) req.payload(0,8) if { req.payload(0,8) -m found }
                tcp-request content set-dst var(txn.ip)
                server any 0.0.0.0:\(server.port)
            """, listeningOn: port)
        let client = try Connection(to: port)
        try client.send("app.test and more\n")
        #expect(try client.receive(through: "\n") == "hello, app.test and more\n")
        #expect(nameserver.questions.map(\.name) == ["app.test"])
    }

    @Test("A nameserver is asked over TCP where the file says so, and where UDP is too small")
    func overTCP() throws {
        let server = try ScriptedServer(saying: "hello")
        let nameserver = try ScriptedNameserver { $0.name == "app.test" ? .truncated(["127.0.0.1"]) : .noSuchName }
        let stream = try ForwardProxy(resolvers: "    nameserver one tcp@127.0.0.1:\(nameserver.port)")
        #expect(try stream.fetch("app.test:\(server.port)").text == "hello")
        #expect(nameserver.questions.allSatisfy { $0.isTCP })
        // HAProxy has no alternative.
        guard Portico.isItself else { return }
        let both = try ForwardProxy(nameserver.port, resolvers: "    accepted_payload_size 1232")
        #expect(try both.fetch("app.test:\(server.port)").text == "hello")
        #expect(nameserver.questions.suffix(2).map(\.isTCP) == [false, true])
        #expect(nameserver.questions.last?.payloadBytes == 1_232)
    }

    @Test("show resolvers says how questions to each nameserver ended")
    func shown() throws {
        let nameserver = try ScriptedNameserver(["one.test": ["127.0.0.1"]])
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let proxy = try ForwardProxy(nameserver.port, global: "    stats socket \(socket)")
        #expect(try proxy.fetch("one.test:\(server.port)").text == "hello")
        let said = try ask(socket, "show resolvers dns")
        #expect(
            said.hasPrefix(
                "Resolvers section dns\n nameserver n0:\n  sent:        1\n  snd_error:   0\n  valid:       1\n"))
        #expect(try ask(socket, "show resolvers nds").hasPrefix("Can't find that resolvers section"))
    }

    @Test("What a file says of resolvers is checked before anything runs", .enabled(if: Portico.isItself))
    func mistakes() throws {
        let file = try Stage.current.file(
            "mistakes.cfg",
            """
            resolvers dns
                nameserver one 127.0.0.1
                accepted_payload_size 65535
                parse-resolv-conf
            frontend www
                bind 127.0.0.1:1
                mode http
                http-request do-resolve(txn.ip,dsn) hdr(host)
                http-request do-resolve(txn.ip,dns,ipv5) hdr(host)

            """)
        let ended = try Portico.run("-c", "-f", file)
        #expect(ended.exit == .status(1))
        #expect(ended.errors.contains("mistakes.cfg:2:20: error: the nameserver's address has no port"))
        #expect(ended.errors.contains("mistakes.cfg:3:27: warning: the size is limited to 4096 bytes"))
        #expect(ended.errors.contains("mistakes.cfg:8:36: error: no resolvers section named 'dsn'"))
        #expect(ended.errors.contains("mistakes.cfg:9:40: error: unknown family 'ipv5'"))
    }
}
