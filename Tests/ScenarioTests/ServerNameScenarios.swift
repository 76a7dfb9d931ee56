// Servers whose names are looked up while Portico runs: `server … resolvers`.

import Foundation
import ScriptedNameserver
import Synchronization
import Testing

@Suite(.staged) struct ServerNameScenarios {
    /// A nameserver whose one answer changes.
    private final class Zone: Sendable {
        private final class Words: Sendable {
            let answer: Mutex<ScriptedNameserver.Answer>
            init(_ answer: ScriptedNameserver.Answer) { self.answer = Mutex(answer) }
        }

        private let words: Words
        let nameserver: ScriptedNameserver

        init(_ answer: ScriptedNameserver.Answer) throws {
            let words = Words(answer)
            self.words = words
            nameserver = try ScriptedNameserver { _ in words.answer.withLock { $0 } }
        }

        func say(_ answer: ScriptedNameserver.Answer) { words.answer.withLock { $0 = answer } }
    }

    private struct Site {
        let portico: Portico
        let port: Int

        init(_ zone: Zone, _ servers: String..., resolvers: String = "") throws {
            port = try freePort()
            portico = try Portico(
                """
                \(opening(defaults: "    default-server init-addr none"))
                resolvers dns
                    nameserver one 127.0.0.1:\(zone.nameserver.port)
                    timeout resolve 50ms
                    timeout retry 200ms
                    hold nx 100ms
                    hold timeout 60s
                \(resolvers)
                frontend www
                    bind 127.0.0.1:\(port)
                    http-response set-header X-Server %s
                    default_backend app
                backend app
                \(servers.map { "    server \($0)" }.joined(separator: "\n"))
                """, listeningOn: port)
        }

        /// Whether what a request gets comes to be `text`; a status for an answer of Portico's own.
        func comesToSay(_ text: String) throws -> Bool {
            try eventually {
                let answer = try fetch("/", from: port)
                return (answer.status == 200 ? answer.text : "\(answer.status)") == text
            }
        }
    }

    /// Two servers on one port of two addresses.
    private func pair() throws -> (first: ScriptedServer, second: ScriptedServer) {
        let first = try ScriptedServer(saying: "first", host: 2)
        return (first, try ScriptedServer(saying: "second", port: first.port, host: 3))
    }

    @Test("A server goes where its name leads, over connections to nowhere else")
    func moves() throws {
        let (first, second) = try pair()
        let zone = try Zone(.addresses(["127.0.0.2"]))
        let site = try Site(zone, "s1 app.test:\(first.port) resolvers dns resolve-prefer ipv4")
        #expect(try site.comesToSay("first"))
        zone.say(.addresses(["127.0.0.3"]))
        #expect(try site.comesToSay("second"))
        for _ in 1...5 { #expect(try fetch("/", from: site.port).text == "second") }
        zone.say(.addresses(["127.0.0.3", "127.0.0.2"]))
        let asked = zone.nameserver.questions.count
        #expect(eventually { zone.nameserver.questions.count > asked + 2 })
        #expect(try fetch("/", from: site.port).text == "second")
        #expect(second.connectionCount > 0)
        let line = try site.portico.logLine(with: "changed its IP from 127.0.0.2 to 127.0.0.3 by dns")
        #expect(line.contains("app/s1"))
    }

    @Test("One whose name leads nowhere for longer than is held gets no requests, until it leads somewhere")
    func lost() throws {
        let server = try ScriptedServer(saying: "hello")
        let zone = try Zone(.noSuchName)
        let site = try Site(zone, "s1 app.test:\(server.port) resolvers dns")
        #expect(try fetch("/", from: site.port).status == 503)
        zone.say(.addresses(["127.0.0.1"]))
        #expect(try site.comesToSay("hello"))
        zone.say(.noSuchName)
        #expect(try site.comesToSay("503"))
        _ = try site.portico.logLine(with: "Server app/s1 is going DOWN for maintenance (DNS NX status). 0 active")
        zone.say(.addresses(["127.0.0.1"]))
        #expect(try site.comesToSay("hello"))
    }

    @Test("With nameservers that are silent a server stays where it was, for as long as is held")
    func silent() throws {
        let server = try ScriptedServer(saying: "hello")
        let zone = try Zone(.addresses(["127.0.0.1"]))
        let site = try Site(zone, "s1 app.test:\(server.port) resolvers dns")
        #expect(try site.comesToSay("hello"))
        zone.say(.silence)
        // All tries of a look-up, and one of the next.
        let asked = zone.nameserver.questions.count
        #expect(eventually { zone.nameserver.questions.count > asked + 5 })
        #expect(try fetch("/", from: site.port).text == "hello")
    }

    @Test("Servers of one name have an address each; with one address too few, one has none")
    func several() throws {
        let (first, _) = try pair()
        let zone = try Zone(.addresses(["127.0.0.2"]))
        let words = "app.test:\(first.port) resolvers dns resolve-prefer ipv4"
        let site = try Site(zone, "s1 \(words)", "s2 \(words)")
        #expect(try site.comesToSay("first"))
        for _ in 1...4 { #expect(try fetch("/", from: site.port)["x-server"] == "s1") }
        zone.say(.addresses(["127.0.0.2", "127.0.0.3"]))
        #expect(try eventually { try fetch("/", from: site.port)["x-server"] == "s2" })
        let answers = try (1...4).map { _ in try fetch("/", from: site.port).text }
        #expect(answers.sorted() == ["first", "first", "second", "second"])
    }

    @Test("An address that answers no longer have is good for as long as `hold obsolete` says")
    func obsolete() throws {
        let (first, _) = try pair()
        let zone = try Zone(.addresses(["127.0.0.2"]))
        let site = try Site(
            zone, "s1 app.test:\(first.port) resolvers dns resolve-prefer ipv4", resolvers: "    hold obsolete 3s")
        #expect(try site.comesToSay("first"))
        let start = ContinuousClock.now
        zone.say(.addresses(["127.0.0.3"]))
        #expect(try site.comesToSay("second"))
        // The last answer with the first address may be a while older than that.
        #expect(ContinuousClock.now - start > .seconds(1))
    }

    @Test("Until its name is known a server is at the address that init-addr says")
    func firstAddress() throws {
        let (first, _) = try pair()
        let zone = try Zone(.silence)
        let site = try Site(
            zone, "s1 app.test:\(first.port) resolvers dns resolve-prefer ipv4 init-addr last,127.0.0.2")
        #expect(try fetch("/", from: site.port).text == "first")
        zone.say(.addresses(["127.0.0.3"]))
        #expect(try site.comesToSay("second"))
    }

    @Test("A server with a check is checked where its name leads")
    func checked() throws {
        let (first, second) = try pair()
        let zone = try Zone(.addresses(["127.0.0.2"]))
        let site = try Site(
            zone, "s1 app.test:\(first.port) resolvers dns resolve-prefer ipv4 check inter 50ms rise 1 fall 1")
        #expect(try site.comesToSay("first"))
        zone.say(.addresses(["127.0.0.3"]))
        second.stop()
        #expect(try site.comesToSay("503"))
        try second.start()
        #expect(try site.comesToSay("second"))
    }
}
