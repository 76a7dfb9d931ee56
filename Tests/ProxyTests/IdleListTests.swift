// The idle connections that a worker keeps: which is taken, and that of several threads exactly one gets each.

import Balancing
import Basics
import Chance
import Reactor
import Synchronization
import Testing

@testable import Proxy

/// The key of connections that are all alike.
private let plain = ConnectionKey.plain(0)

@Suite struct IdleListTests {
    private static let server = server(poolMax: nil)
    private static let other = ConnectionKey(of: twoPlaces, 0, at: .ip(.loopbackV4, port: 2), header: [])

    /// With a port of the client's, so that its connections have keys of their own.
    private static let twoPlaces = {
        var configuration = ServerConfiguration(id: 2)
        configuration.portOffset = 1
        let filed = FiledServer(name: "s2", configuration: configuration, address: .ip(.loopbackV4, port: 0))
        return Server(filed, backendName: "app", workers: 1, now: Instant(nanoseconds: 0))
    }()

    private static func server(poolMax: Int?) -> Server {
        var configuration = ServerConfiguration(id: 1)
        configuration.port = 1
        configuration.pool.connectionsMax = poolMax
        let filed = FiledServer(name: "s1", configuration: configuration, address: .ip(.loopbackV4, port: 1))
        return Server(filed, backendName: "app", workers: 4, now: Instant(nanoseconds: 0))
    }

    private final class Set: WatchSet {}

    private func entry(_ number: Int, uses: Int = 1, key: ConnectionKey = plain) -> IdleEntry {
        IdleEntry(
            socket: Socket(Int32(number)), handle: SlotHandle(index: UInt32(number), generation: 1), key: key,
            useCount: uses)
    }

    @Test("The connection that became idle last is taken first, one that was used once before one that was reused")
    func order() {
        let list = IdleList(isShared: false)
        for (number, uses) in [(1, 1), (2, 5), (3, 1), (4, 2)] {
            _ = list.add(entry(number, uses: uses), watchedBy: Set(), onlyAsFirst: false)
        }
        #expect(list.takeNewest(plain, .reusedOnly)?.socket.number == 4)
        #expect((0..<4).map { _ in list.takeNewest(plain, .usedOnceFirst)?.socket.number } == [3, 1, 2, nil])
        #expect(list.count == 0)
    }

    @Test("Connections that lead elsewhere, or began with another header, are passed over")
    func keys() {
        let key = ConnectionKey(of: Self.twoPlaces, 0, at: .ip(.loopbackV4, port: 1), header: [1])
        let list = IdleList(isShared: true)
        _ = list.add(entry(1, key: key), watchedBy: Set(), onlyAsFirst: false)
        _ = list.add(entry(2, key: Self.other), watchedBy: Set(), onlyAsFirst: false)
        #expect(list.takeNewest(plain, .usedOnceFirst) == nil)
        #expect(
            list.takeNewest(
                ConnectionKey(of: Self.twoPlaces, 0, at: .ip(.loopbackV4, port: 1), header: []), .usedOnceFirst) == nil)
        #expect(list.steal(key, .usedOnceFirst)?.entry.socket.number == 1)
        #expect(list.takeNewest(Self.other, .usedOnceFirst)?.socket.number == 2)
    }

    @Test("A connection that asked its server for one name is passed over for another, and for none")
    func names() {
        func key(_ name: String) -> ConnectionKey {
            ConnectionKey(of: Self.twoPlaces, 0, at: .ip(.loopbackV4, port: 1), header: [], name: Array(name.utf8))
        }
        let list = IdleList(isShared: true)
        _ = list.add(entry(1, key: key("a.example")), watchedBy: Set(), onlyAsFirst: false)
        #expect(list.takeNewest(key("b.example"), .usedOnceFirst) == nil)
        #expect(list.steal(key(""), .usedOnceFirst) == nil)
        #expect(list.takeNewest(key("a.example"), .usedOnceFirst)?.socket.number == 1)
    }

    @Test("Where only a first one is wanted, a reused connection counts for both kinds, one used once for its own")
    func first() {
        let list = IdleList(isShared: true)
        func add(_ number: Int, uses: Int) -> Bool {
            list.add(entry(number, uses: uses), watchedBy: Set(), onlyAsFirst: true) != nil
        }
        #expect(add(1, uses: 1))
        #expect(!add(2, uses: 1))
        #expect(add(3, uses: 2))
        #expect(!add(4, uses: 2))
        #expect(list.takeNewest(plain, .usedOnceFirst)?.socket.number == 1)
        #expect(!add(5, uses: 1), "there is a reused one")
    }

    @Test("A connection that another worker has stolen is not there for its own, whose slot is told of once")
    func stolen() throws {
        let list = IdleList(isShared: true)
        let set = Set()
        let position = try #require(list.add(entry(1), watchedBy: set, onlyAsFirst: false))
        let stolen = try #require(list.steal(plain, .usedOnceFirst))
        #expect(stolen.entry.socket.number == 1 && stolen.watchSet === set)
        #expect(!list.remove(position, of: entry(1).handle))
        // The place is another's by now.
        #expect(list.add(entry(2), watchedBy: set, onlyAsFirst: false) == position)
        #expect(!list.remove(position, of: entry(1).handle))
        #expect(list.takeStolen() == [entry(1).handle])
        #expect(list.takeStolen() == [])
        #expect(list.remove(position, of: entry(2).handle))
    }

    @Test(
        "Chains agree with a plain array, whatever is added, taken and removed",
        arguments: 1...20 as ClosedRange<UInt64>)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var chains = IdleChains()
        var model: [(entry: IdleEntry, position: IdlePosition)] = []
        for number in 1...2_000 {
            switch random.number(0...(number < 1_000 ? 5 : 9)) {
            case 0...3:
                let new = entry(number, uses: random.number(1...2), key: random.oneIn(3) ? Self.other : plain)
                model.append((new, chains.add(new)))
            case 4 where !model.isEmpty, 6 where !model.isEmpty:
                let (gone, position) = model.remove(at: random.number(0...model.count - 1))
                let (first, second) = (
                    chains.remove(position, of: gone.handle), chains.remove(position, of: gone.handle)
                )
                #expect(first && !second)
            case 5, 7:
                let key = random.oneIn(2) ? Self.other : plain
                let preference: IdlePreference = random.oneIn(2) ? .reusedOnly : .usedOnceFirst
                var wanted = model.lastIndex { $0.entry.key == key && $0.entry.kind == .usedOnce }
                if preference == .reusedOnly || wanted == nil {
                    wanted = model.lastIndex { $0.entry.key == key && $0.entry.kind == .reused }
                }
                let found = chains.takeNewest(key, preference)
                #expect(found?.socket == wanted.map { model.remove(at: $0).entry.socket })
            default:
                let oldest = model.firstIndex { $0.entry.kind == .usedOnce } ?? model.indices.first
                let found = chains.takeOldest()
                #expect(found?.socket == oldest.map { model.remove(at: $0).entry.socket })
            }
            #expect(chains.count == model.count)
        }
    }

    /// The state shared by the threads of a test.
    private final class Books: Sendable {
        /// By descriptor: how often a thread became its owner, minus how often it was put back.
        let owners = (0..<4_000).map { _ in Cell() }
        let kept = Atomic<Int>(0)
        let taken = Atomic<Int>(0)
        let stolen = Atomic<Int>(0)
        let told = Atomic<Int>(0)
        let faults = Atomic<Int>(0)
        final class Cell: Sendable { let value = Atomic<Int>(0) }

        func own(_ socket: Socket) {
            taken.add(1, ordering: .relaxed)
            let before = owners[Int(socket.number)].value.wrappingAdd(1, ordering: .relaxed).oldValue
            if before != 0 { faults.add(1, ordering: .relaxed) }
        }
    }

    @Test(
        "Of four threads that add, take, steal and remove at once exactly one gets each connection, and the gauges come back to 0",
        arguments: [1, 2, 3] as [UInt64])
    func threads(seed: UInt64) {
        let poolMax = 20
        let server = Self.server(poolMax: poolMax)
        let idles = ServerIdles(server, workers: 4)
        let books = Books()
        let threads = (0..<4).map { worker in
            Reactor.Thread(name: "worker \(worker)") {
                var random = SeededRandom(seed: seed &* 4 &+ UInt64(worker))
                let set = Set()
                var positions: [(IdlePosition, IdleEntry)] = []
                for step in 0..<1_000 {
                    let number = worker * 1_000 + step
                    let new = IdleEntry(
                        socket: Socket(Int32(number)),
                        handle: SlotHandle(index: UInt32(number), generation: UInt32(worker + 1)), key: plain,
                        useCount: random.number(1...2))
                    if idles.count(new) {
                        if let position = idles.lists[worker].add(new, watchedBy: set, onlyAsFirst: random.oneIn(4)) {
                            positions.append((position, new))
                            books.kept.add(1, ordering: .relaxed)
                        } else {
                            idles.uncount(new)
                        }
                    }
                    if server.idle.current > poolMax { books.faults.add(1, ordering: .relaxed) }
                    let victim = random.number(0...3)
                    switch random.number(0...3) {
                    case 0:
                        if let (position, old) = positions.popLast(),
                            idles.lists[worker].remove(position, of: old.handle)
                        {
                            idles.uncount(old)
                            books.own(old.socket)
                        }
                    case 1:
                        if let old = idles.lists[worker].takeNewest(plain, .usedOnceFirst) {
                            idles.uncount(old)
                            books.own(old.socket)
                        }
                    case 2 where victim != worker:
                        if let old = idles.lists[victim].steal(plain, random.oneIn(2) ? .reusedOnly : .usedOnceFirst) {
                            idles.uncount(old.entry)
                            books.own(old.entry.socket)
                            books.stolen.add(1, ordering: .relaxed)
                        }
                    default:
                        for handle in idles.lists[worker].takeStolen() {
                            books.told.add(1, ordering: .relaxed)
                            if handle.generation != UInt32(worker + 1) { books.faults.add(1, ordering: .relaxed) }
                        }
                    }
                }
                // A worker that stops.
                while let old = idles.lists[worker].takeOldest() {
                    idles.uncount(old)
                    books.own(old.socket)
                }
            }
        }
        for thread in threads { thread.join() }
        for list in idles.lists { books.told.add(list.takeStolen().count, ordering: .relaxed) }
        let (kept, taken) = (books.kept.load(ordering: .relaxed), books.taken.load(ordering: .relaxed))
        #expect(books.faults.load(ordering: .relaxed) == 0)
        #expect(kept == taken && kept > 0)
        #expect(books.told.load(ordering: .relaxed) == books.stolen.load(ordering: .relaxed))
        #expect(server.idle.current == 0 && server.idleReused.current == 0 && server.idle.maximum <= poolMax)
        #expect(idles.lists.allSatisfy { $0.count == 0 })
    }

    @Test(
        "As many connections are worth keeping as were in use at a time in the last seconds, and `pool-low-conn` more")
    func need() {
        let start = Instant(nanoseconds: 1_000_000_000)
        let idles = ServerIdles(Self.server(poolMax: nil), workers: 1)
        idles.note(need: 3, now: start)
        // One in use has just ended: those that are idle count beside it.
        for _ in 0..<3 {
            #expect(idles.needsAnother)
            #expect(idles.count(entry(1)))
        }
        #expect(!idles.needsAnother)
        idles.note(need: 5, now: start + .seconds(6))
        #expect(idles.needsAnother)
        idles.note(need: 1, now: start + .seconds(12))
        #expect(idles.needsAnother, "what the span before needed counts")
        idles.note(need: 1, now: start + .seconds(18))
        #expect(!idles.needsAnother)
        for _ in 0..<3 { idles.uncount(entry(1)) }
    }
}
