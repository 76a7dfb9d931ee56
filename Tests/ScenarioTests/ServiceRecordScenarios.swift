// Servers whose places a real nameserver tells: `server-template` with addresses and SRV records that change while Portico runs.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct ServiceRecordScenarios {
    /// dnsmasq with records of its own, which it is started anew with.
    private final class Zone: Sendable {
        let port: Int
        private let process = Mutex<Child?>(nil)

        init(_ lines: String...) throws {
            port = try freePort()
            Stage.current.atTheEnd { [self] in process.withLock { $0 }?.stop() }
            try say(lines)
        }

        func say(_ lines: [String]) throws {
            process.withLock { $0 }?.stop()
            let file = try Stage.current.file(
                "zone-\(UUID().uuidString.prefix(4)).conf", lines.joined(separator: "\n") + "\n")
            let name = "dnsmasq-\(UUID().uuidString.prefix(4))"
            let child = try Child(
                [
                    "dnsmasq", "--keep-in-foreground", "--conf-file=\(file)", "--port=\(port)",
                    "--listen-address=127.0.0.1",
                    "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root", "--pid-file", "--auth-ttl=1",
                    "--local=/test/",
                ], named: name, in: Stage.current.folder)
            process.withLock { $0 = child }
            guard eventually({ isListening(on: port) || child.ended() != nil }), child.ended() == nil else {
                throw StageFault("dnsmasq does not start: \(child.errors)")
            }
        }
    }

    private struct Site {
        let portico: Portico
        let port: Int
        private let socket: String

        init(_ zone: Zone, _ line: String, resolvers: String = "", backend: String = "") throws {
            port = try freePort()
            socket = Stage.current.folder + "/stats.sock"
            portico = try Portico(
                """
                \(opening(global: "stats socket \(socket) level admin"))
                resolvers dns
                    nameserver one 127.0.0.1:\(zone.port)
                    timeout resolve 100ms
                    timeout retry 200ms
                    hold nx 100ms
                    hold valid 100ms
                \(resolvers)
                frontend www
                    bind 127.0.0.1:\(port)
                    http-response set-header X-Server %s
                    default_backend app
                backend app
                    balance roundrobin
                \(backend)
                    \(line)
                """, listeningOn: port)
        }

        /// Name, status and weight of each server.
        func states() throws -> [String] {
            let csv = try ask(socket, "show stat -1 4 -1").split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false)
            }
            return csv.dropFirst().filter { $0.count > 18 }.map { "\($0[1]) \($0[17]) \($0[18])" }
        }

        func comesToBe(_ wanted: [String]) -> Bool { eventually { (try? states()) == wanted } }

        /// What ten requests get, in the order of names.
        func answers(_ count: Int = 10) throws -> [String: Int] {
            var counts: [String: Int] = [:]
            for _ in 0..<count {
                let answer = try fetch("/", from: port)
                counts[
                    answer.status == 200 ? "\(answer["x-server"] ?? "") \(answer.text)" : "\(answer.status)", default: 0
                ] += 1
            }
            return counts
        }
    }

    @Test("SRV records that come, change and go: hosts, ports and weights follow")
    func services() throws {
        let (one, two, three) = (
            try ScriptedServer(saying: "one"), try ScriptedServer(saying: "two"),
            try ScriptedServer(saying: "three", host: 2)
        )
        let hosts = ["host-record=a.test,127.0.0.1", "host-record=b.test,127.0.0.2"]
        func record(_ host: String, _ server: ScriptedServer, priority: Int = 1, weight: Int = 1) -> String {
            "srv-host=_http._tcp.app.test,\(host),\(server.port),\(priority),\(weight)"
        }
        let zone = try Zone()
        let site = try Site(
            zone, "server-template s 3 _http._tcp.app.test resolvers dns resolve-prefer ipv4 check inter 200ms")
        let isResolution = "MAINT (resolution)"
        #expect(site.comesToBe(["s1 \(isResolution) 1", "s2 \(isResolution) 1", "s3 \(isResolution) 1"]))
        #expect(try site.answers(1) == ["503": 1])

        try zone.say(hosts + [record("a.test", one, weight: 256)])
        #expect(eventually { (try? site.answers(2)) == ["s1 one": 2] })

        try zone.say(hosts + [record("a.test", one, weight: 256), record("b.test", three, weight: 768)])
        #expect(eventually { (try? site.answers(4)) == ["s1 one": 1, "s2 three": 3] })

        // One goes, and another comes at its host with another port.
        try zone.say(hosts + [record("a.test", two, weight: 1), record("b.test", three, weight: 0)])
        #expect(eventually { (try? site.answers(3)) == ["s1 two": 3] })
        _ = try site.portico.logLine(with: "entry removed from SRV record")

        try zone.say([])
        #expect(eventually { (try? site.answers(1)) == ["503": 1] })
    }

    @Test(
        "Where there are more records than servers, those of the lowest priority number are used",
        .enabled(if: Portico.isItself))
    func priorities() throws {
        let servers = try (1...4).map { try ScriptedServer(saying: "\($0)") }
        let zone = try Zone()
        try zone.say(
            ["host-record=a.test,127.0.0.1"]
                + servers.enumerated().map { index, server in
                    "srv-host=_http._tcp.app.test,a.test,\(server.port),\(10 - index),1"
                })
        let site = try Site(zone, "server-template s 2 _http._tcp.app.test resolvers dns resolve-prefer ipv4")
        #expect(eventually { (try? site.answers(4)) == ["s1 4": 2, "s2 3": 2] })
    }

    @Test("Each server of a template gets an address of its own, and those without are in maintenance")
    func addresses() throws {
        let port = try freePort()
        let servers = try (2...4).map { try ScriptedServer(saying: "\($0)", port: port, host: UInt8($0)) }
        #expect(servers.count == 3)
        func record(_ lasts: Int...) -> [String] { lasts.map { "host-record=app.test,127.0.0.\($0)" } }
        let zone = try Zone()
        let site = try Site(
            zone,
            "server-template s 1-3 app.test:\(port) resolvers dns resolve-prefer ipv4 init-addr none check inter 200ms")
        try zone.say(record(2, 3))
        #expect(eventually { Set((try? site.answers(4))?.keys.map { String($0.suffix(1)) } ?? []) == ["2", "3"] })
        #expect(try site.states().filter { $0.contains("MAINT") }.count == 1)
        try zone.say(record(2, 3, 4))
        #expect(eventually { (try? site.answers(6))?.count == 3 })
        try zone.say(record(4))
        #expect(eventually { Set((try? site.answers(3))?.keys.map { String($0.suffix(1)) } ?? []) == ["4"] })
        #expect(eventually { (try? site.states())?.filter { $0.contains("MAINT") }.count == 2 })
    }

    @Test("Traffic goes on while records come and go", .enabled(if: Portico.isItself))
    func underLoad() throws {
        let servers = try (1...3).map { try ScriptedServer(saying: "\($0)") }
        func records(_ chosen: [Int]) -> [String] {
            ["host-record=a.test,127.0.0.1"]
                + chosen.map { "srv-host=_http._tcp.app.test,a.test,\(servers[$0].port),1,1" }
        }
        let zone = try Zone()
        try zone.say(records([0, 1]))
        let site = try Site(
            zone, "server-template s 4 _http._tcp.app.test resolvers dns resolve-prefer ipv4",
            backend: "    retries 3\n    option redispatch 1")
        #expect(eventually { (try? site.answers(2))?.count == 2 })
        for round in 0..<6 {
            try zone.say(records(round.isMultiple(of: 2) ? [1, 2] : [0, 1]))
            let counts = try site.answers(60)
            #expect(counts.keys.allSatisfy { !$0.hasPrefix("5") }, "\(counts)")
        }
    }
}
