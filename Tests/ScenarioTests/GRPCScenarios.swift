// gRPC through Portico, from grpcio to grpcio: calls of all four kinds, metadata, deadlines, cancelled calls, errors.

import Foundation
import Testing

@Suite(.staged) struct GRPCScenarios {
    private func startServer(_ certificate: String...) throws -> Int {
        let port = try freePort()
        try startPeer(["/usr/bin/python3", "-B", peer("grpc_peer.py"), "server", "\(port)"] + certificate, on: port)
        return port
    }

    @Test("In clear on both sides")
    func clear() throws {
        let front = try FrontDoor(before: startServer(), server: "proto h2", bind: "proto h2")
        expectAllIsWell(try python("grpc_peer.py", ["client", "\(front.port)"]))
        // Those that their clients cancelled; at its deadline a call ends on both sides.
        let gone = try Regex(" C[HD]-- ")
        #expect(eventually { front.portico.logLines.count { $0.contains(gone) } >= 21 })
        #expect(eventually { front.portico.logLines.count { $0.contains("/test.Calls/Echo ") } == 204 })
    }

    @Test("Over TLS on both sides, chosen by ALPN, with two workers")
    func secure() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "localhost")
        let front = try FrontDoor(
            before: startServer(certificate), global: "    nbthread 2", backend: "    http-reuse always",
            server: "ssl ca-file \(authority.certificate) verifyhost localhost alpn h2",
            bind: "ssl crt \(certificate) alpn h2")
        expectAllIsWell(try python("grpc_peer.py", ["client", "\(front.port)", authority.certificate]))
    }

    @Test("Over TLS for clients, in clear to the server")
    func mixed() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "localhost")
        let front = try FrontDoor(
            before: startServer(), server: "proto h2", bind: "ssl crt \(certificate) alpn h2,http/1.1")
        expectAllIsWell(try python("grpc_peer.py", ["client", "\(front.port)", authority.certificate]))
    }

    @Test("A check by gRPC's health protocol asks for the server, or for a service, in clear and over TLS")
    func health() throws {
        let port = try startServer()
        let authority = try TestAuthority()
        let secure = try startServer(try authority.issue(for: "localhost"))
        for (service, server, reason) in [
            ("", "", "succeeded, reason: Layer7 check passed, code: 200, info: \"SERVING\""),
            ("test.Calls", "proto h2", "succeeded, reason: Layer7 check passed, code: 200, info: \"SERVING\""),
            ("test.Stopped", "", "failed, reason: Layer7 wrong status, code: 200, info: \"NOT_SERVING\""),
            (
                "test.Other", "",
                "failed, reason: Layer7 wrong status, code: 200, info: \"gRPC status 5 (NOT_FOUND): unknown"
            ),
            ("", "ssl verify none", "succeeded, reason: Layer7 check passed, code: 200, info: \"SERVING\""),
        ] {
            let front = try FrontDoor(
                before: server.hasPrefix("ssl") ? secure : port,
                backend: "    option log-health-checks\n    option grpc-check \(service)",
                server: "\(server) check inter 100ms fall 1")
            _ = try front.portico.logLine(with: "Health check for server app/s1 \(reason)")
        }
    }
}
