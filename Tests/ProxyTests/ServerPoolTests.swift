// Two workers and the idle connections to one server: what the one has left, the other uses.

import Balancing
import Basics
import KernelSimulation
import ProxyProtocol
import Reactor
import Testing

@testable import Proxy

@Suite struct ServerPoolTests {
    /// Answers every request with 200, over wires that the test can close.
    private final class Application: SimulatedPeer {
        let wire: Wire
        private(set) var requests = 0
        private var input = ""
        private var isAccepted = false

        init(_ wire: Wire) { self.wire = wire }

        func act(in kernel: SimulatedKernel) {
            guard !wire.weClosed else { return }
            if !isAccepted { kernel.accept(wire) }
            isAccepted = true
            input += String(decoding: kernel.peerTakes(.max, from: wire), as: UTF8.self)
            while let head = input.firstRange(of: "\r\n\r\n") {
                input.removeSubrange(..<head.upperBound)
                requests += 1
                kernel.peerSends(Array(PlayedServer.ok().utf8), on: wire)
            }
            kernel.schedule(self, after: .milliseconds(1))
        }
    }

    /// A site with two workers, and who connects to them.
    private final class Two {
        let site: PlayedSite
        let other: Worker
        let otherKernel: SimulatedKernel
        let otherOrders = WorkerMailbox(wakeup: nil)
        private(set) var connections: [Application] = []

        init(_ lines: String...) throws {
            site = try PlayedSite(lines.joined(separator: "\n    "), workers: 2)
            // Descriptors are the process's, as is the network.
            otherKernel = SimulatedKernel(on: site.kernel.network)
            other = site.makeWorker(1, on: otherKernel, otherOrders)
            site.kernel.servers[.ip(.loopbackV4, port: 9_001)] = { [unowned self] kernel, wire in
                connections.append(Application(wire))
                kernel.schedule(connections[connections.count - 1], after: .zero)
                return true
            }
        }

        var server: Server { site.backend.servers[0] }
        var workers: [(worker: Worker, kernel: SimulatedKernel)] { [(site.worker, site.kernel), (other, otherKernel)] }

        /// The answers to requests over one client connection of a worker, each sent when the one before is answered.
        func ask(_ index: Int, _ requests: String...) -> [Int] {
            let kernel = workers[index].kernel
            let wire = kernel.connectClient()
            defer { kernel.peerFinishes(wire) }
            return requests.map { ask($0, on: wire, of: index) }
        }

        func ask(_ request: String = "GET", on wire: Wire, of index: Int) -> Int {
            let kernel = workers[index].kernel
            kernel.peerSends(Array("\(request) / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), on: wire)
            var answer = ""
            for _ in 0..<200 where !answer.hasSuffix("ok") {
                run(for: 1)
                answer += String(decoding: kernel.peerTakes(.max, from: wire), as: UTF8.self)
            }
            return Int(answer.dropFirst(9).prefix(3)) ?? 0
        }

        func run(for milliseconds: UInt64) {
            for _ in 0..<milliseconds {
                for (worker, kernel) in workers { worker.turn(until: kernel.now + .milliseconds(1)) }
            }
        }

        /// Ends everything softly, and expects that nothing is left.
        func end(sourceLocation: SourceLocation = #_sourceLocation) {
            for orders in [site.orders, otherOrders] { orders.give(.stopSoftly) }
            run(for: 5_000)
            for (worker, kernel) in workers {
                #expect(worker.isFinished, sourceLocation: sourceLocation)
                #expect(worker.holdings == (0, 0, 0) && kernel.openCount == 0, sourceLocation: sourceLocation)
            }
            #expect(server.idle.current == 0 && server.idleReused.current == 0, sourceLocation: sourceLocation)
        }
    }

    @Test("A worker without an idle connection takes the one that another worker keeps")
    func stolen() throws {
        let play = try Two("http-reuse always", "server s1 127.0.0.1:9001")
        for index in [0, 1, 1, 0, 1] { #expect(play.ask(index, "GET") == [200]) }
        #expect(play.connections.map(\.requests) == [5])
        #expect(play.server.idle.current == 1 && play.server.idleReused.current == 1)
        play.end()
    }

    @Test("A worker does not take a connection that was begun before the server changed")
    func outdated() throws {
        let play = try Two("http-reuse always", "server s1 127.0.0.1:9001")
        #expect(play.ask(0, "GET") == [200])
        var configuration = play.server.configuration
        configuration.proxyHeader = .one
        play.site.backend.reconfigure(play.server, as: configuration, now: play.site.kernel.now)
        #expect(play.ask(1, "GET") == [200] && play.ask(0, "GET") == [200])
        #expect(play.connections.map(\.requests).first == 1 && play.connections.count > 1)
        play.end()
    }

    @Test("The slot of a stolen connection is free when its worker's idle time for it is over")
    func slots() throws {
        let play = try Two("http-reuse always", "server s1 127.0.0.1:9001")
        #expect(play.ask(0, "GET") == [200])
        play.run(for: 10)
        let kept = play.site.worker.holdings.watched
        #expect(play.ask(1, "GET") == [200])
        #expect(play.site.worker.holdings.watched == kept)
        play.run(for: 5_100)
        #expect(play.site.worker.holdings.watched == kept - 1)
        #expect(play.connections.count == 1 && play.connections[0].wire.weClosed && play.server.idle.current == 0)
        play.end()
    }

    @Test("A worker that adds a connection gives up the slots of those that were stolen")
    func slotsAtOnce() throws {
        let play = try Two("http-reuse always", "server s1 127.0.0.1:9001 pool-purge-delay 1h")
        #expect(play.ask(0, "GET") == [200])
        play.run(for: 10)
        let kept = play.site.worker.holdings.watched
        for _ in 1...10 {
            #expect(play.ask(1, "GET") == [200])
            #expect(play.ask(0, "GET") == [200])
        }
        play.run(for: 10)
        #expect(play.site.worker.holdings.watched == kept)
        #expect(play.connections.map(\.requests) == [21])
        play.end()
    }

    @Test("A connection that its server has closed, or on which it has said something, is not used by another worker")
    func dead() throws {
        for closes in [true, false] {
            let play = try Two("http-reuse always", "server s1 127.0.0.1:9001")
            #expect(play.ask(0, "GET") == [200])
            let wire = play.connections[0].wire
            // The first worker does not get to see it.
            let client = play.otherKernel.connectClient()
            play.otherKernel.peerSends(Array("POST / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), on: client)
            if closes { play.site.kernel.peerCloses(wire) } else { play.site.kernel.peerSends([65], on: wire) }
            for _ in 0..<20 { play.other.turn(until: play.otherKernel.now + .milliseconds(1)) }
            let answer = String(decoding: play.otherKernel.peerTakes(.max, from: client), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(play.connections.map(\.requests) == [1, 1] && wire.weClosed)
            #expect(play.server.idle.current == 1)
            play.otherKernel.peerFinishes(client)
            play.end()
        }
    }

    @Test("A POST is not sent over a connection that its own worker would see closed a moment later")
    func closedInTheSameTurn() throws {
        let play = try Two("server s1 127.0.0.1:9001")
        let client = play.site.kernel.connectClient()
        #expect(play.ask(on: client, of: 0) == 200)
        play.run(for: 5)
        // Both are events of one turn, and the client's comes first.
        play.site.kernel.peerSends(Array("POST / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), on: client)
        play.site.kernel.peerCloses(play.connections[0].wire)
        play.run(for: 20)
        #expect(
            String(decoding: play.site.kernel.peerTakes(.max, from: client), as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        #expect(play.connections.map(\.requests) == [1, 1])
        play.site.kernel.peerFinishes(client)
        play.end()
    }

    @Test("`pool-low-conn`: with fewer idle connections a worker opens its own")
    func lowWater() throws {
        let play = try Two("http-reuse always", "server s1 127.0.0.1:9001 pool-low-conn 3")
        for index in [0, 1] { #expect(play.ask(index, "GET") == [200]) }
        #expect(play.connections.map(\.requests) == [1, 1])
        for index in [0, 1, 0, 1] { #expect(play.ask(index, "GET") == [200]) }
        #expect(play.connections.map(\.requests) == [3, 3])
        play.end()
    }

    @Test("With `pool-max-conn 1` one worker's connection is all that the process keeps")
    func most() throws {
        let play = try Two("server s1 127.0.0.1:9001 pool-max-conn 1")
        for index in [0, 1, 0, 1] {
            // A first request goes over a connection of its own, the second over any.
            #expect(play.ask(index, "GET", "GET") == [200, 200])
            #expect(play.server.idle.current == 1)
        }
        #expect(play.connections.filter { !$0.wire.weClosed }.count == 1)
        #expect(play.connections[0].requests == 5)
        play.end()
    }

    // Regression: an object made between the memory of two exchanges kept a page of it for as long as its connection was idle.
    @Test("The objects of connections are made in rows, not one between the memory of two exchanges")
    func rows() {
        let pools = ServerPools(IdleRegistry(workers: 1), worker: 0)
        let connections = (0..<33).map { _ in
            let connection = pools.makeConnection()
            return (connection, pools.spare.count)
        }
        #expect(connections.map(\.1) == Array((0...31).reversed()) + [31])
    }
}
