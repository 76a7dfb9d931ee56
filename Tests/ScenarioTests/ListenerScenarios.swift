// Addresses of listeners and of servers: IPv4, IPv6, Unix-domain sockets.

import Foundation
import Testing

@Suite(.staged) struct ListenerScenarios {
    @Test("One frontend listens on IPv4, IPv6 and a unix socket at once")
    func manyBinds() throws {
        let server = try ScriptedServer(saying: "hello")
        let four = try freePort()
        let six = try freePort()
        let path = Stage.current.folder + "/front.sock"
        _ = try Portico(
            """
            \(opening(defaults: "option forwardfor"))
            frontend www
                bind 127.0.0.1:\(four)
                bind [::1]:\(six)
                bind unix@\(path) mode 600
                default_backend app
            backend app
                server s1 127.0.0.1:\(server.port)
            """, listeningOn: four, six)

        #expect(try Connection(to: four).fetch("/4").text == "hello")
        #expect(try Connection(to: six, ipv6: true).fetch("/6").text == "hello")
        #expect(try Connection(toUnixSocket: path).fetch("/unix").text == "hello")

        #expect(server.requests.prefix(2).map { $0["x-forwarded-for"] } == ["127.0.0.1", "::1"])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("Two addresses on one line, and every address of the machine")
    func lists() throws {
        let one = try freePort()
        let two = try freePort()
        let any = try freePort()
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(one),127.0.0.1:\(two)
                bind :\(any)
                http-request return status 200 content-type text/plain string "hello"
            """, listeningOn: one, two, any)
        for port in [one, two, any] { #expect(try fetch("/", from: port).text == "hello") }
    }

    @Test("A server may be on IPv6 or on a unix socket")
    func serversElsewhere() throws {
        let six = try freePort()
        let path = Stage.current.folder + "/server.sock"
        let front = try freePort()
        // Portico itself is used for the servers.
        _ = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                default_backend app
            backend app
                balance roundrobin
                server s1 [::1]:\(six)
                server s2 unix@\(path)
            frontend on-six
                bind [::1]:\(six)
                http-request return status 200 content-type text/plain string "six"
            frontend on-unix
                bind unix@\(path)
                http-request return status 200 content-type text/plain string "unix"
            """, listeningOn: front, six)

        let answers = try (1...4).map { _ in try fetch("/", from: front).text }

        #expect(answers == ["six", "unix", "six", "unix"])
    }
}
