// Servers at the client's destination address: `0.0.0.0`, a port with a sign, `set-dst`.

import Foundation
import Testing

@Suite(.staged) struct DestinationScenarios {
    @Test("A server at 0.0.0.0:0 is wherever rules say that the client connected to, and each client gets there")
    func wherever() throws {
        let first = try ScriptedServer(saying: "first")
        let second = try ScriptedServer(saying: "second")
        let port = try freePort()
        _ = try Portico(
            """
            \(opening(global: "nbthread 1"))
            listen www
                bind 127.0.0.1:\(port)
                http-request set-dst str(127.0.0.1)
                http-request set-dst-port req.hdr(x-port)
                server any 0.0.0.0:0
            """, listeningOn: port)
        // Idle connections to one address must not be used for the other.
        for _ in 1...3 {
            #expect(try fetch("/", from: port, headers: "X-Port: \(first.port)").text == "first")
            #expect(try fetch("/", from: port, headers: "X-Port: \(second.port)").text == "second")
        }
        #expect(try fetch("/", from: port, headers: "X-Port: \(freePort())").status == 503)
    }

    @Test("Idle connections of a server that is in many places are used again for the place they go to")
    func pooled() throws {
        let server = try ScriptedServer(saying: "hello")
        let port = try freePort()
        _ = try Portico(
            """
            \(opening(global: "nbthread 1"))
            listen www
                bind 127.0.0.1:\(port)
                http-request set-dst-port int(\(server.port))
                server any *:0
            """, listeningOn: port)
        let client = try Connection(to: port)
        for _ in 1...3 { #expect(try client.fetch("/").text == "hello") }
        #expect(server.connectionCount == 1)
    }

    @Test("A port with a sign is added to the client's, in TCP mode too")
    func offset() throws {
        let server = try ScriptedServer { connection, _ in try connection.send("hello\n") }
        let port = try freePort()
        _ = try Portico(
            """
            \(opening())
            listen www
                mode tcp
                option tcplog
                bind 127.0.0.1:\(port)
                server there 127.0.0.1:\(server.port > port ? "+" : "")\(server.port - port)
            """, listeningOn: port)
        #expect(try Connection(to: port).receive(through: "\n") == "hello\n")
    }
}
