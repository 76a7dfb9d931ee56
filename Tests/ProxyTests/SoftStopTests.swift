// Soft stop and keep-alive connections, on the simulated clock: a request that crosses with the stop is served, its
// response announces the close, and no connection is reset.

import Proxy
import Testing

@Suite struct SoftStopTests {
    private func site() throws -> PlayedSite {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        _ = site.server(1) { _ in .answer(PlayedServer.ok()) }
        return site
    }

    private let get = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("A request that arrived before the stop and was not read yet is answered")
    func unreadRequest() throws {
        let site = try site()
        let client = site.get("/first")
        site.run(for: 50)
        #expect(client.status == 200 && !client.isClosed)

        client.send(get)
        site.orders.give(.stopSoftly)
        site.run(for: 50)

        #expect(client.received.ranges(of: "HTTP/1.1 200").count == 2)
        #expect(client.received.contains("connection: close"))
        #expect(client.isClosed && !client.wasReset)
        site.run(for: 3_000)
        #expect(site.worker.isFinished)
    }

    @Test("A request that comes a moment after the stop is answered, and told that the connection ends")
    func busyClient() throws {
        let site = try site()
        let client = site.get("/first")
        site.run(for: 50)
        site.orders.give(.stopSoftly)
        site.run(for: 500)
        #expect(!client.isClosed)

        client.send(get)
        site.run(for: 50)

        #expect(client.received.ranges(of: "HTTP/1.1 200").count == 2)
        #expect(client.received.contains("connection: close"))
        #expect(client.isClosed && !client.wasReset)
        site.run(for: 3_000)
        #expect(site.worker.isFinished)
    }

    @Test("A client that was idle for longer than a second is left at once; what crosses with that is not reset")
    func idleClient() throws {
        let site = try site()
        let client = site.get("/first")
        site.run(for: 5_000)
        #expect(!client.isClosed)

        site.orders.give(.stopSoftly)
        site.run(for: 1)
        #expect(client.isClosed)
        client.send(get)
        site.run(for: 1)
        #expect(client.received.ranges(of: "HTTP/1.1 200").count == 1)
        #expect(!client.wasReset)
        site.run(for: 3_000)
        #expect(site.worker.isFinished)
    }

    @Test("A client whose answer began before the stop may send one request more")
    func answerUnderWay() throws {
        let site = try PlayedSite("server s1 127.0.0.1:9001")
        let server = site.server(1) { connection in
            connection.request.contains("/first")
                ? .answers("HTTP/1.1 200 Said\r\nContent-Length: 5\r\n\r\nfi", "rst", after: 200)
                : .answer(PlayedServer.ok())
        }
        let client = site.get("/first")
        site.run(for: 50)
        #expect(client.received.hasSuffix("\r\n\r\nfi") && !client.received.contains("connection: close"))
        site.orders.give(.stopSoftly)
        site.run(for: 300)
        #expect(client.received.hasSuffix("first") && !client.isClosed)

        client.send(get)
        site.run(for: 50)

        #expect(server.requests.count == 2)
        #expect(client.received.hasSuffix("connection: close\r\n\r\nok"))
        #expect(client.isClosed && !client.wasReset)
        site.run(for: 3_000)
        #expect(site.worker.isFinished)
    }

    @Test("The end of timeout http-keep-alive is no reset either: what crosses with it is read")
    func keepAliveOver() throws {
        let site = try PlayedSite("timeout http-keep-alive 1s", "server s1 127.0.0.1:9001")
        _ = site.server(1) { _ in .answer(PlayedServer.ok()) }
        let client = site.get("/first")
        site.run(for: 1_100)
        #expect(client.isClosed)
        client.send(get)
        site.run(for: 5)
        #expect(!client.wasReset)
        #expect(client.received.ranges(of: "HTTP/1.1 200").count == 1)
        site.run(for: 5_000)
        site.end()
    }
}
