// What programs that check servers are told.

import BalancingTesting
import Basics
import Configuration
import Testing

@testable import Balancing

@Suite struct ExternalCheckTests {
    private func command(
        _ lines: String..., server: String, listener: SocketAddress? = nil, environment: [String] = []
    ) throws -> (command: ExternalCommand, backend: Backend) {
        let all = (["option external-check"] + lines + ["server \(server)"]).joined(separator: "\n    ")
        let settings = try settings(all)
        let place = ExternalCheckPlace(proxyID: 3, listener: listener, isHTTP: true, environment: environment)
        let backend = settings.makeBackend(
            name: "app", connectTimeout: .seconds(5), externalCheckPlace: place, workers: 1,
            now: Instant(nanoseconds: 0), resolve: { _ in [] })
        return (try #require(backend.servers[0].check?.command), backend)
    }

    @Test func `a program is told where proxy and server are`() throws {
        let (command, backend) = try command(
            "external-check command /bin/true", server: "s 127.0.0.9:81 check maxconn 7 id 4",
            listener: .ip(.loopbackV4, port: 80))
        let server = backend.servers[0]
        #expect(command.arguments(for: server) == ["127.0.0.1", "80", "127.0.0.9", "81"])
        #expect(
            command.environment(for: server, in: backend) == [
                "PATH=", "HAPROXY_PROXY_NAME=app", "HAPROXY_PROXY_ID=3", "HAPROXY_PROXY_ADDR=127.0.0.1",
                "HAPROXY_PROXY_PORT=80", "HAPROXY_SERVER_NAME=s", "HAPROXY_SERVER_ID=4",
                "HAPROXY_SERVER_ADDR=127.0.0.9", "HAPROXY_SERVER_PORT=81", "HAPROXY_SERVER_MAXCONN=7",
                "HAPROXY_SERVER_CURCONN=0", "HAPROXY_SERVER_SSL=0", "HAPROXY_SERVER_PROTO=h1",
            ])
        #expect(command.paths == ["/bin/true"])
    }

    @Test func `a backend listens nowhere, and a socket file has no port`() throws {
        let (command, backend) = try command(
            "external-check command probe", "external-check path /opt/a:/opt/b", server: "s /run/app.sock check",
            environment: ["PATH=/usr/bin", "LANG=C"])
        let server = backend.servers[0]
        #expect(command.arguments(for: server) == ["NOT_USED", "NOT_USED", "/run/app.sock", "NOT_USED"])
        let environment = command.environment(for: server, in: backend)
        #expect(environment.prefix(2) == ["LANG=C", "PATH=/opt/a:/opt/b"])
        #expect(environment.contains("HAPROXY_PROXY_ADDR=") && environment.contains("HAPROXY_SERVER_PORT="))
        #expect(command.paths == ["/opt/a/probe", "/opt/b/probe"])
    }

    @Test func `it has to be allowed, and there has to be a program`() throws {
        let bare = try settings("option external-check")
        #expect(
            bare.problemWithExternalCheck(ExternalCheckPermission())?.expected
                == "external-check in the global section")
        let permission = language.load(text: "global\n    external-check\n", named: "t.cfg").global[
            ExternalCheckPermission.self]
        #expect(permission.isGiven && !permission.keepsEnvironment)
        #expect(bare.problemWithExternalCheck(permission)?.message == "'option external-check' has no program")
        let whole = try settings("option external-check", "external-check command /bin/true")
        #expect(whole.problemWithExternalCheck(permission) == nil)
        #expect(try settings("option httpchk").problemWithExternalCheck(ExternalCheckPermission()) == nil)
    }
}
