// Every row of this module's table: lines that it accepts, with their result, and lines that it rejects, with the message.

import Basics
import Configuration
import Testing

@testable import Resolvers

@Suite struct KeywordTests {
    private static let language = Language(keywords: ResolversKeywords.table, parameterGroups: [])

    private func load(_ line: String) -> LoadedConfiguration {
        Self.language.load(text: "resolvers dns\n    \(line)\n", named: "t.cfg")
    }

    private func complaints(_ line: String) -> [String] {
        let printer = ProblemPrinter(sources: Sources())
        return load(line).problems.map { printer.line($0).replacing("t.cfg:", with: "") }
    }

    private func settings(_ line: String) throws -> ResolversSettings {
        let loaded = load(line)
        #expect(loaded.problems.isEmpty)
        return try #require(loaded.sections.first)[ResolversSettings.self]
    }

    private func plan(
        _ line: String, resolve: (String) -> [IPAddress] = { _ in [] }
    ) throws -> (plan: ResolversPlan, problems: [ConfigProblem]) {
        var problems: [ConfigProblem] = []
        let draft = try #require(load(line).sections.first)
        let plan = draft[ResolversSettings.self].makePlan(name: "dns", at: draft.range, resolve: resolve, &problems)
        return (plan, problems)
    }

    @Test(arguments: [
        ("127.0.0.1:53", "127.0.0.1:53", false), ("udp@127.0.0.1:5353", "127.0.0.1:5353", false),
        ("tcp@127.0.0.1:53", "127.0.0.1:53", true), ("[::1]:53", "[::1]:53", false),
        ("tcp6@[::1]:53", "[::1]:53", true),
        ("::1:53", "[::1]:53", false), ("udp4@10.0.0.1:53", "10.0.0.1:53", false),
    ])
    func `nameservers are where their lines say`(_ text: String, _ address: String, _ isStream: Bool) throws {
        let (plan, problems) = try plan("nameserver one \(text)")
        #expect(problems.isEmpty)
        #expect(plan.nameservers.map(\.address.description) == [address] && plan.nameservers[0].isStream == isStream)
    }

    @Test func `a nameserver with a name is looked up once`() throws {
        let (found, none) = try plan("nameserver one dns.test:53") { $0 == "dns.test" ? [.loopbackV4] : [] }
        #expect(none.isEmpty && found.nameservers.map(\.address) == [.ip(.loopbackV4, port: 53)])
        let (missing, problems) = try plan("nameserver one dns.test:53")
        #expect(missing.nameservers.isEmpty)
        #expect(problems.map(\.message) == ["no address for the nameserver 'dns.test:53'"])
    }

    @Test func `times, counts and sizes are taken`() throws {
        #expect(try settings("resolve_retries 7").tries == 7)
        #expect(try settings("timeout resolve 5s").resolveTime == .seconds(5))
        #expect(try settings("timeout retry 200").retryTime == .milliseconds(200))
        #expect(try settings("accepted_payload_size 4096").payloadBytes == 4_096)
        #expect(try settings("hold nx 1s").holds[.noSuchName] == .seconds(1))
        #expect(try settings("hold other 1s").holds[.other] == .seconds(1))
        #expect(try settings("hold refused 1s").holds[.refused] == .seconds(1))
        #expect(try settings("hold timeout 1s").holds[.timeout] == .seconds(1))
        #expect(try settings("hold valid 0").holds.valid == .zero)
        #expect(try settings("hold obsolete 1s").holds.obsolete == .seconds(1))
    }

    @Test func `without lines everything is as in HAProxy, but that nobody is asked`() throws {
        let (plan, problems) = try plan("")
        #expect(problems.map(\.severity) == [.warning])
        #expect(plan.tries == 3 && plan.retryTime == .seconds(1) && plan.refreshTime == .seconds(1))
        #expect(plan.holds.valid == .seconds(10) && plan.holds.noSuchName == .seconds(30) && plan.payloadBytes == 512)
        #expect(plan.longestWait == .seconds(3))
    }

    @Test(arguments: [
        ("nameserver", "2:15: error: 'nameserver' lacks an argument; expected a nameserver's name"),
        ("nameserver one", "2:19: error: 'nameserver' lacks an argument; expected an address"),
        (
            "nameserver one 127.0.0.1",
            "2:20: error: the nameserver's address has no port; expected 127.0.0.1:53, most likely"
        ),
        ("nameserver one 127.0.0.1:53-54", "2:20: error: a nameserver has one port, not a range"),
        ("nameserver one *:53", "2:20: error: '*:53' is not the address of a nameserver; expected <address>:<port>"),
        ("nameserver one unix@/x", "2:20: error: nameservers are queried over UDP or TCP; expected <address>:<port>"),
        ("nameserver one sctp@127.0.0.1:53", "2:20: error: unknown address family 'sctp@'; expected"),
        ("nameserver one tcp@127.0.0.1:53 ssl", "2:37: error: TLS to nameservers is not supported"),
        ("nameserver one tcp@127.0.0.1:53 maxconn 4", "2:37: warning: parameters of a nameserver have no effect"),
        (
            "nameserver a 127.0.0.1:53\n nameserver a 127.0.0.2:53",
            "3:13: error: there is a nameserver 'a' already, at line 2"
        ),
        ("resolve_retries 0", "2:21: error: 0 is out of range; expected a count from 1 to 100"),
        ("resolve_retries x", "2:21: error: 'x' is not a whole number"),
        ("timeout resolve 0", "2:21: error: 0 is out of range; expected a time from 1ms to 1d"),
        ("timeout retry 2d", "2:19: error: 2d is out of range; expected a time from 1ms to 1d"),
        ("timeout relax 1s", "2:13: error: unknown timeout 'relax'"),
        ("hold never 1s", "2:10: error: unknown status 'never'; expected one of nx, other, refused, timeout, valid"),
        ("hold nx", "2:12: error: 'hold' lacks an argument; expected a time"),
        ("accepted_payload_size 511", "2:27: error: 511 is out of range"),
        ("accepted_payload_size 65536", "2:27: error: 65536 is out of range"),
        ("accepted_payload_size 8192", "2:27: warning: the size is limited to 4096 bytes"),
        ("parse-resolv-conf now", "2:23: error: unexpected 'now' in the line of 'parse-resolv-conf'"),
    ])
    func `what is wrong is said at its place`(_ line: String, _ complaint: String) throws {
        let all = complaints(line)
        #expect(all.count == 1 && all[0].hasPrefix(complaint), "\(all)")
    }

    @Test func `the system's nameservers are those of its file`() {
        let text = """
            # nameserver 9.9.9.9
            ; nameserver 9.9.9.9
            domain example.com
            nameserver 10.0.0.1
            nameserver\t10.0.0.2   # the other
              nameserver fd00::1
            nameserver fe80::1%eth0
            nameserver
            nameservers 10.0.0.9
            options ndots:2
            """
        #expect(ResolversSettings.nameservers(in: Array(text.utf8)) == ["10.0.0.1", "10.0.0.2", "fd00::1"].map(v4))
    }
}
