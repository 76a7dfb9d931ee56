// Servers with a limit (`maxconn`) and requests that wait for them; failures that are retried on another
// server (`retry-on`).

import Foundation
import Glibc
import Synchronization
import Testing

@Suite(.staged) struct QueueScenarios {
    /// A server that counts its concurrent requests.
    private final class BusyServer: Sendable {
        let busy = Mutex((now: 0, most: 0))

        /// Each request takes at least `pause` microseconds.
        func server(pause: useconds_t) throws -> ScriptedServer {
            try ScriptedServer { _ in
                self.busy.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                usleep(pause)
                self.busy.withLock { $0.now -= 1 }
                return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
            }
        }

        var most: Int { busy.withLock { $0.most } }
    }

    private func ask(_ target: String, _ port: Int) throws -> Connection {
        let client = try Connection(to: port)
        try client.send("GET \(target) HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
        return client
    }

    /// The number of requests waiting in the backend `app`. Requests on several threads are in the queue only once counted.
    private func waiting(_ socket: String) throws -> Int {
        let row = try #require(table(ScenarioTests.ask(socket, "show stat"))["app/BACKEND"])
        return Int(row["qcur"] ?? "") ?? -1
    }

    @Test("With `maxconn 1` for each of two servers, requests go to them one by one, in the order in which they came")
    func order() throws {
        let curtains = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]
        let servers = try curtains.map { curtain in
            try ScriptedServer { _ in
                curtain.wait()
                return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
            }
        }
        Stage.current.atTheEnd { for curtain in curtains { for _ in 1...8 { curtain.signal() } } }
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: servers[0].port, servers[1].port, global: "stats socket \(socket)",
            defaults: "timeout queue 60s", server: "maxconn 1")
        func asked() -> [[String]] { servers.map { $0.requests.map(\.target) } }

        // Two are served at once, the others wait in order.
        let clients = try (1...8).map { number in
            let client = try ask("/\(number)", front.port)
            #expect(
                try eventually { try asked().joined().count == min(number, 2) && waiting(socket) == max(0, number - 2) }
            )
            return client
        }
        #expect(asked() == [["/1"], ["/2"]])
        #expect(clients[7].staysSilent(for: 0.3))

        // The first free server gets the next one.
        for (place, server) in [1, 1, 0, 0, 0, 1].enumerated() {
            curtains[server].signal()
            #expect(eventually { asked()[server].last == "/\(place + 3)" })
        }
        for curtain in curtains { curtain.signal() }
        for client in clients { #expect(try client.receiveAnswer().status == 200) }

        #expect(asked() == [["/1", "/5", "/6", "/7"], ["/2", "/3", "/4", "/8"]])
        let last = try front.portico.exchange(with: "/8 ")
        #expect(last.termination == "----")
        #expect(last.queues == [0, 6])
        #expect(last.timers[1] >= 300)
    }

    @Test("Who waits longer than `timeout queue` is told 503, and the log says sQ")
    func queueTimeout() throws {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { _ in
            curtain.wait()
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        }
        Stage.current.atTheEnd { for _ in 1...3 { curtain.signal() } }
        let front = try FrontDoor(before: server.port, defaults: "timeout queue 300ms", server: "maxconn 1")

        let first = try ask("/first", front.port)
        #expect(eventually { server.requests.count == 1 })
        #expect(try fetch("/second", from: front.port).status == 503)
        let line = try front.portico.exchange(with: "/second ")
        #expect(line.termination == "sQ--")
        #expect(line.server == "<NOSRV>" && line.backend == "app")
        #expect(line.queues == [0, 1])
        #expect(line.timers[1] >= 300 && line.timers[2] == -1)
        curtain.signal()
        #expect(try first.receiveAnswer().text == "hello")
    }

    @Test("200 clients at once before two servers that take one request each, over two threads: all are served")
    func crowd() throws {
        let busy = [BusyServer(), BusyServer()]
        let servers = try busy.map { try $0.server(pause: 2_000) }
        let front = try FrontDoor(
            before: servers[0].port, servers[1].port, global: "nbthread 2", defaults: "timeout queue 10m",
            server: "maxconn 1")

        let clients = try (1...200).map { try ask("/\($0)", front.port) }
        let answers = try clients.map { try $0.receiveAnswer(within: 60).text }

        #expect(answers.allSatisfy { $0 == "hello" })
        #expect(servers.map(\.requests.count).reduce(0, +) == 200)
        #expect(busy.map(\.most) == [1, 1])
    }

    @Test("Clients that leave while they wait take nobody's place with them")
    func leavers() throws {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { request in
            if request.target == "/first" { curtain.wait() }
            usleep(3_000)
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        }
        Stage.current.atTheEnd { curtain.signal() }
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port, global: "nbthread 2\n    stats socket \(socket)",
            defaults: "timeout queue 10m\n    option abortonclose", server: "maxconn 1")
        func leave(_ client: Connection, _ number: Int) {
            if number % 4 == 1 { client.reset() } else { client.close() }
        }

        let first = try ask("/first", front.port)
        #expect(eventually { server.requests.count == 1 })
        let clients = try (0..<100).map { try ask("/\($0)", front.port) }
        #expect(try eventually { try waiting(socket) == 100 })
        // Half of them disconnect: some while nothing happens, some while slots are granted.
        for number in stride(from: 1, to: 50, by: 2) { leave(clients[number], number) }
        #expect(eventually { front.portico.logLines.count { $0.contains(" CQ-- ") } == 25 })
        #expect(try waiting(socket) == 75)
        curtain.signal()
        for number in stride(from: 51, to: 100, by: 2) { leave(clients[number], number) }

        #expect(try first.receiveAnswer().text == "hello")
        for number in stride(from: 0, to: 100, by: 2) {
            #expect(try clients[number].receiveAnswer().text == "hello")
        }
        #expect(try fetch("/after", from: front.port).text == "hello")
        #expect(try waiting(socket) == 0)
    }

    @Test("A soft stop waits for those who wait")
    func softStop() throws {
        let server = try BusyServer().server(pause: 20_000)
        let front = try FrontDoor(
            before: server.port, global: "nbthread 2", defaults: "timeout queue 10m", server: "maxconn 1")

        let clients = try (1...20).map { try ask("/\($0)", front.port) }
        #expect(eventually { !server.requests.isEmpty })
        front.portico.process.signal(SIGUSR1)
        // A connection that was not accepted yet is accepted before the listeners close.
        for client in clients { #expect(try client.receiveAnswer().text == "hello") }
        #expect(front.portico.process.end() == .status(0))
    }

    @Test("In tcp mode a connection waits until another has ended")
    func tunnels() throws {
        let server = try ScriptedServer { connection, number in
            try connection.send("you are \(number)\n")
            _ = try? connection.receiveAll()
        }
        let front = try FrontDoor(
            before: server.port, defaults: "mode tcp\n    option tcplog\n    timeout queue 60s", server: "maxconn 1")

        let first = try Connection(to: front.port)
        #expect(try first.receive(through: "\n") == "you are 1\n")
        let second = try Connection(to: front.port)
        #expect(second.staysSilent(for: 0.3))
        first.close()
        #expect(try second.receive(through: "\n") == "you are 2\n")
    }

    @Test("Queues are in the statistics")
    func statistics() throws {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { _ in
            curtain.wait()
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        }
        Stage.current.atTheEnd { for _ in 1...3 { curtain.signal() } }
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port, global: "stats socket \(socket)", defaults: "timeout queue 60s",
            backend: "fullconn 77", server: "maxconn 1 maxqueue 5")

        let clients = try (1...3).map { number in
            let client = try ask("/\(number)", front.port)
            if number == 1 { #expect(eventually { server.requests.count == 1 }) }
            return client
        }
        func row(_ name: String) throws -> [String: String] {
            try #require(table(ScenarioTests.ask(socket, "show stat"))["app/\(name)"])
        }
        #expect(try eventually { try waiting(socket) == 2 })
        #expect(try row("BACKEND")["slim"] == "77")
        let line = try row("s1")
        #expect(line["slim"] == "1" && line["qlimit"] == "5" && line["scur"] == "1")
        // The order of the two waiting requests depends on the threads that accepted them.
        for _ in clients { curtain.signal() }
        for client in clients { #expect(try client.receiveAnswer().status == 200) }
        #expect(try row("BACKEND")["qcur"] == "0")
        #expect(try row("BACKEND")["qmax"] == "2")
    }

    // MARK: retry-on

    @Test("`retry-on 503`: the other server is asked, and only its answer reaches the client")
    func retryOnStatus() throws {
        let bad = try ScriptedServer { _ in "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy" }
        let good = try ScriptedServer(saying: "good")
        let front = try FrontDoor(
            before: bad.port, good.port, backend: "balance roundrobin\n    retry-on 503\n    option redispatch")

        for number in 1...4 {
            let answer = try fetch("/\(number)", from: front.port, method: "POST", body: "body")
            #expect(answer.status == 200 && answer.text == "good")
        }
        #expect(bad.requests.count >= 2)
        #expect(good.requests.count == 4)
        #expect(good.requests.allSatisfy { $0.text == "body" })
        #expect(try front.portico.exchange(with: "/1 ").line.contains("/+1 0/0 "))
    }

    @Test("A server that closes without a word: with retry-on empty-response even a POST goes to the next")
    func retryOnEmptyResponse() throws {
        let bad = try ScriptedServer { connection, _ in _ = try connection.receiveRequest() }
        let good = try ScriptedServer(saying: "good")
        let front = try FrontDoor(
            before: bad.port, good.port, backend: "retry-on empty-response\n    option redispatch")

        #expect(try fetch("/1", from: front.port, method: "POST", body: "body").text == "good")
        #expect(try fetch("/2", from: front.port).text == "good")
    }

    @Test("When the retries are used up, the last answer is passed on")
    func retriesUsedUp() throws {
        let bad = try ScriptedServer { _ in "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy" }
        let front = try FrontDoor(before: bad.port, backend: "retry-on 503\n    retries 2")

        let answer = try fetch("/", from: front.port)
        #expect(answer.status == 503 && answer.text == "busy")
        #expect(bad.requests.count == 3)
        #expect(try front.portico.exchange(with: "GET / ").connections.last == 2)
    }
}
