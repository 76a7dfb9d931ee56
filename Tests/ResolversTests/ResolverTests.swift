// Resolving names with a nameserver that answers, lies, refuses, or does not reply, over real sockets.

import Basics
import Foundation
import Reactor
import ScriptedNameserver
import Testing

@testable import Resolvers

@Suite struct ResolverTests {
    @Test func `a name has the addresses that the nameserver says`() throws {
        let nameserver = try ScriptedNameserver(["a.test": ["10.0.0.1", "10.0.0.2"], "six.test": ["fd00::1"]])
        let site = try Site(nameserver.port)
        #expect(try site.look(for: "a.test").result == .success([v4("10.0.0.1"), v4("10.0.0.2")]))
        #expect(try site.look(for: "six.test", .v6).result == .success([v4("fd00::1")]))
        #expect(nameserver.questions.map(\.name) == ["a.test", "six.test"])
        site.end()
    }

    @Test func `SRV records have hosts, ports, priorities and weights, and those that offer nothing are left out`()
        throws
    {
        let nameserver = try ScriptedNameserver { question in
            switch (question.name, question.kind) {
            case ("_http._tcp.a.test", .services):
                .services([
                    .init("One.test", port: 81, priority: 1, weight: 500), .init("two.test", port: 82, priority: 2),
                    .init("", port: 83), .init("three.test", port: 0), .init("bad name.test", port: 84),
                ])
            case ("_none._tcp.a.test", _): .services([.init("", port: 80)])
            case ("_empty._tcp.a.test", _): .addresses([])
            case ("_rubbish._tcp.a.test", _): .records(count: 1, [1, 2, 3])
            default: .noSuchName
            }
        }
        let site = try Site(nameserver.port, tries: 1)
        #expect(
            try site.lookForServices(of: "_http._tcp.a.test")
                == .success([
                    ServiceRecord(host: "one.test", port: 81, priority: 1, weight: 500),
                    ServiceRecord(host: "two.test", port: 82, priority: 2),
                ]))
        #expect(try site.lookForServices(of: "_none._tcp.a.test") == .failure(.other))
        #expect(try site.lookForServices(of: "_empty._tcp.a.test") == .failure(.other))
        #expect(try site.lookForServices(of: "_rubbish._tcp.a.test") == .failure(.other))
        #expect(try site.lookForServices(of: "_gone._tcp.a.test") == .failure(.noSuchName))
        site.end()
    }

    @Test func `with no address of the family that is preferred the other one does`() throws {
        let nameserver = try ScriptedNameserver(["four.test": ["10.0.0.1"], "six.test": ["fd00::1"]])
        let site = try Site(nameserver.port)
        #expect(try site.look(for: "four.test", .v6).result == .success([v4("10.0.0.1")]))
        #expect(try site.look(for: "six.test", .v4).result == .success([v4("fd00::1")]))
        site.end()
    }

    @Test func `another name of a name is followed`() throws {
        let nameserver = try ScriptedNameserver { _ in .alias("b.test", ["10.0.0.2"]) }
        let site = try Site(nameserver.port)
        #expect(try site.look(for: "a.test").result == .success([v4("10.0.0.2")]))
        site.end()
    }

    @Test func `a name that does not exist is asked for once in each family`() throws {
        let nameserver = try ScriptedNameserver([:])
        let site = try Site(nameserver.port, tries: 5)
        #expect(try site.look(for: "no.test").result == .failure(.noSuchName))
        #expect(nameserver.questions.map(\.kind) == [.v4, .v6])
        site.end()
    }

    @Test(arguments: [ScriptedNameserver.Answer.refused, .code(2), .code(4), .bytes([0x81, 0x80])])
    func `a nameserver that will not is asked again after the time between tries`(
        _ answer: ScriptedNameserver.Answer
    ) throws {
        let nameserver = try ScriptedNameserver { question in question.number == 1 ? answer : .addresses(["10.0.0.1"]) }
        let site = try Site(nameserver.port, retryTime: 300)
        let (result, time) = try site.look(for: "a.test")
        #expect(result == .success([v4("10.0.0.1")]) && time >= 290)
        site.end()
    }

    @Test func `one that is silent has its time, as often as there are tries`() throws {
        let nameserver = try ScriptedNameserver { _ in .silence }
        let site = try Site(nameserver.port, tries: 3, retryTime: 100)
        let (result, time) = try site.look(for: "a.test")
        #expect(result == .failure(.timeout) && time >= 290)
        #expect(site.run { nameserver.questions.count == 3 })
        #expect(nameserver.questions.map(\.kind) == [.v4, .v4, .v4])
        site.end()
    }

    @Test func `nobody at the nameserver's place is as little of a reason to wait for ever`() throws {
        let port: Int
        do {
            let nameserver = try ScriptedNameserver([:])
            port = nameserver.port
        }
        let site = try Site(port, retryTime: 100)
        let result = try site.look(for: "a.test").result
        #expect(throws: ResolutionFault.self) { try result.get() }
        site.end()
    }

    @Test(arguments: [
        ScriptedNameserver.Answer.wrongIdentifier(["10.6.6.6"]), .wrongQuestion(["10.6.6.6"]),
        .nothing, .bytes(Array(repeating: 0xFF, count: 60)), .bytes([]), .bytes(Array(repeating: 0xC0, count: 4_000)),
        .bytes(Array(repeating: 0, count: 60_000)),
        .records(count: 1, [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 200, 10, 6, 6, 6]),
        .records(count: 1, [0xC0, 0xFF, 0, 1, 0, 1]), .records(count: 65_535, []),
        .records(count: 1, [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 2, 10, 6]),
        // A name that is an alias of itself.
        .records(count: 1, [0xC0, 28, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 6, 6, 6]),
        .addresses(["0.0.0.0", "::"]), .truncated([]),
    ])
    func `what makes no sense is no address, and the next nameserver's answer is`(
        _ nonsense: ScriptedNameserver.Answer
    ) throws {
        let liar = try ScriptedNameserver { _ in nonsense }
        let alone = try Site(liar.port, retryTime: 60)
        let result = try alone.look(for: "a.test").result
        #expect(throws: ResolutionFault.self) { try result.get() }
        alone.end()

        let honest = try ScriptedNameserver { _ in .late(30, .addresses(["10.0.0.1"])) }
        let both = try Site(liar.port, honest.port)
        #expect(try both.look(for: "a.test").result == .success([v4("10.0.0.1")]))
        both.end()
    }

    @Test func `of many addresses no more than sixteen are taken`() throws {
        let many = (0..<100).map { "10.0.1.\($0)" }
        let nameserver = try ScriptedNameserver { _ in .addresses(many) }
        let site = try Site(nameserver.port, payloadBytes: 4_096)
        #expect(try site.look(for: "a.test").result == .success(many.prefix(16).map(v4)))
        site.end()
    }

    @Test func `the size of answers is announced, and what is longer comes over TCP`() throws {
        let nameserver = try ScriptedNameserver { _ in .truncated(["10.0.0.1"]) }
        let site = try Site(nameserver.port, payloadBytes: 1_232)
        #expect(try site.look(for: "a.test").result == .success([v4("10.0.0.1")]))
        #expect(nameserver.questions.map(\.isTCP) == [false, true])
        #expect(nameserver.questions.first?.payloadBytes == 1_232)
        site.end()
    }

    @Test func `a nameserver of which nothing over UDP is wanted is asked over TCP alone`() throws {
        let nameserver = try ScriptedNameserver(["a.test": ["10.0.0.1"]])
        let site = try Site(nameserver.port, isStream: true)
        #expect(try site.look(for: "a.test").result == .success([v4("10.0.0.1")]))
        #expect(try site.look(for: "b.test").result == .failure(.noSuchName))
        #expect(nameserver.questions.allSatisfy { $0.isTCP })
        site.end()
    }

    @Test func `one that does not know of sizes is asked without`() throws {
        let nameserver = try ScriptedNameserver { question in
            question.payloadBytes == nil ? .addresses(["10.0.0.1"]) : .code(1)
        }
        let site = try Site(nameserver.port)
        #expect(try site.look(for: "a.test").result == .success([v4("10.0.0.1")]))
        site.end()
    }

    @Test func `all nameservers are asked at a time, and a silent one delays nobody`() throws {
        let silent = try ScriptedNameserver { _ in .silence }
        let quick = try ScriptedNameserver(["a.test": ["10.0.0.1"]])
        let site = try Site(silent.port, quick.port)
        #expect(try site.look(for: "a.test").result == .success([v4("10.0.0.1")]))
        #expect(site.run { silent.count(of: "a.test") == 1 })
        site.end()
    }

    @Test func `a hundred names are looked up at a time`() throws {
        let nameserver = try ScriptedNameserver { _ in .addresses(["10.0.0.1"]) }
        let site = try Site(nameserver.port)
        var found = 0
        for number in 0..<100 {
            site.resolver.look(for: "n\(number).test", .v4) { if case .success = $0 { found += 1 } }
        }
        #expect(site.run { found == 100 })
        site.end()
    }

    @Test func `whoever asks the table is told, and the nameserver is asked once`() throws {
        let nameserver = try ScriptedNameserver { _ in .late(50, .addresses(["10.0.0.1"])) }
        let site = try Site(nameserver.port)
        for number in 1...5 {
            let waiter = NameWaiter(worker: number, owner: 1, ticket: 1)
            #expect(site.plan.names.ask(key("a.test"), for: waiter, now: .now()) == .waits)
        }
        #expect(site.run { site.told.count == 5 })
        #expect(
            site.told.map(\.waiter.worker) == [1, 2, 3, 4, 5] && site.told.allSatisfy { $0.address == v4("10.0.0.1") })
        #expect(nameserver.questions.count == 1)
        let waiter = NameWaiter(worker: 9, owner: 1, ticket: 1)
        #expect(site.plan.names.ask(key("a.test"), for: waiter, now: .now()) == .known(v4("10.0.0.1")))
        site.end()
    }

    @Test func `a name whose answer is cut, and not to be had over TCP, takes no other with it`() throws {
        let nameserver = try ScriptedNameserver(listensToTCP: false) { question in
            question.name == "cut.test" ? .truncated([]) : .late(300, .addresses(["10.0.0.1"]))
        }
        let site = try Site(nameserver.port)
        var slow: Result<[IPAddress], ResolutionFault>?
        site.resolver.look(for: "slow.test", .v4) { slow = $0 }
        site.resolver.look(for: "cut.test", .v4) { _ in }
        #expect(site.run { slow != nil })
        #expect(slow == .success([v4("10.0.0.1")]))
        #expect(nameserver.count(of: "slow.test") == 1)
        site.end()
    }

    @Test func `closing tells whoever waits, and leaves nothing`() throws {
        let nameserver = try ScriptedNameserver { question in question.isTCP ? .silence : .truncated([]) }
        let site = try Site(nameserver.port)
        _ = site.plan.names.ask(key("a.test"), for: NameWaiter(worker: 0, owner: 7, ticket: 7), now: .now())
        #expect(site.run { nameserver.questions.last?.isTCP == true })
        site.end()
        #expect(site.told.map(\.waiter.owner) == [7] && site.told[0].address == nil)
    }

    @Test func `without a nameserver nothing is found`() throws {
        let site = try Site()
        #expect(try site.look(for: "a.test").result == .failure(.other))
        site.end()
    }

    @Test func `what has become of questions is counted`() throws {
        let nameserver = try ScriptedNameserver(["a.test": ["10.0.0.1"]])
        let site = try Site(nameserver.port)
        _ = try site.look(for: "a.test")
        _ = try site.look(for: "b.test")
        let counts = try #require(site.resolver.counts.first?.counts)
        #expect(counts.sent == 3 && counts.valid == 1 && counts.noSuchName == 2)
        site.end()
    }
}
