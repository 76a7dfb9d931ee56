// The keywords `log`, `log-tag` and `log-send-hostname`: their effect and their problems.

import Configuration
import Testing

@testable import Logging

@Suite struct LoggingKeywordsTests {
    private func only(_ line: String) throws -> LogDestination {
        let settings = try section(.global, line)
        return try #require(settings.destinations(global: settings).first)
    }

    @Test func `A target is an output, an address or a path`() throws {
        #expect(try only("log stdout format raw local0").target == .descriptor(1))
        #expect(try only("log stderr local0").target == .descriptor(2))
        #expect(try only("log fd@7 local0").target == .descriptor(7))
        #expect(try only("log /dev/log local0").target == .path("/dev/log"))
        #expect(try only("log unix@/dev/log local0").target == .path("/dev/log"))
        #expect(try only("log abns@name local0").target == .abstract("name"))
        #expect(try only("log 127.0.0.1 local0").target == .network(host: "127.0.0.1", port: 514))
        #expect(try only("log 127.0.0.1:1514 local0").target == .network(host: "127.0.0.1", port: 1514))
        #expect(try only("log [::1]:514 local0").target == .network(host: "::1", port: 514))
        #expect(try only("log udp@logs.example:99 local0").target == .network(host: "logs.example", port: 99))
        #expect(try only("log tcp@127.0.0.1:99 local0").target == .stream(.host("127.0.0.1", port: 99)))
        #expect(try only("log tcp6@[::1] local0").target == .stream(.host("::1", port: 514)))
        #expect(try only("log uxst@/run/log local0").target == .stream(.path("/run/log")))
        #expect(try only("log ring@recent local0").target == .ring("recent"))
        // What variables without values leave, as in HAProxy.
        #expect(try only("log : local0").target == .network(host: "127.0.0.1", port: 514))
    }

    @Test func `Everything a line may say`() throws {
        let all = try only("log 127.0.0.1 len 2000 format rfc5424 sample 1,3-4:10 local3 err crit")
        #expect(all.format == .rfc5424)
        #expect(all.lengthMax == 2_000)
        #expect(all.facility.number == 19)
        #expect(all.maximumLevel == .err)
        #expect(all.minimumLevel == .crit)
        #expect(all.sample == LogSample(ranges: [1...1, 3...4], size: 10))
        let bare = try only("log 127.0.0.1 daemon")
        #expect(bare.format == .local)
        #expect(bare.maximumLevel == .debug)
        #expect(bare.minimumLevel == .emerg)
        #expect(try only("log stdout format json local0").format == .json)
    }

    @Test func `log global takes the global lines, with the section's own tag`() throws {
        let global = try section(.global, "log 127.0.0.1 local0", "log stdout format raw daemon", "log-tag front")
        let proxy = try section(.frontend, "log global", "log stderr local1", "log-tag shop")
        let destinations = proxy.destinations(global: global)
        #expect(destinations.map(\.target) == [.network(host: "127.0.0.1", port: 514), .descriptor(1), .descriptor(2)])
        #expect(destinations.allSatisfy { $0.tag == "shop" })
        #expect(global.destinations(global: global).allSatisfy { $0.tag == "front" })
    }

    @Test func `A profile's tag is that of its lines, and a profile has to exist`() throws {
        let profile = try section("log-profile", "log-tag brief")
        let settings = try section(.frontend, "log-tag shop", "log stdout profile short local0", "log stdout local0")
        let destinations = settings.destinations(global: LoggingSettings(), profiles: ["short": profile])
        #expect(destinations.map(\.tag) == ["brief", "shop"] && destinations.map(\.profile) == ["short", nil])
        var problems: [ConfigProblem] = []
        settings.check(rings: [:], profiles: ["short": profile], &problems)
        #expect(problems.isEmpty)
        settings.check(rings: [:], profiles: ["shorts": profile], &problems)
        #expect(problems.map(\.message) == ["no log-profile section named 'short'"])
        #expect(problems.first?.suggestion == "shorts" && problems.first?.range?.column == 20)
    }

    @Test func `The same destination twice is one`() throws {
        let global = try section(.global, "log stdout local0", "log stdout local0")
        #expect(try section(.frontend, "log global", "log global").destinations(global: global).count == 1)
    }

    @Test func `no log forgets what defaults said`() throws {
        #expect(try section(.frontend, "log stdout local0", "no log").lines.isEmpty)
        #expect(try section(.frontend, "log stdout local0", "no log", "log stderr local0").lines.count == 1)
    }

    @Test func `log-send-hostname switches the standard format`() throws {
        let global = try section(
            .global, "log 127.0.0.1 local0", "log 127.0.0.2 format raw local0", "log-send-hostname box")
        let destinations = global.destinations(global: global)
        #expect(destinations.map(\.format) == [.rfc3164, .raw])
        #expect(destinations[0].hostname == "box")
        #expect(try section(.global, "log-send-hostname").hostname?.isEmpty == false)
    }

    @Test func `An unknown word is refused with the nearest known one`() throws {
        let facility = try problem("log stdout loacl0")
        #expect(facility.message == "unknown log facility 'loacl0'")
        #expect(facility.suggestion == "local0")
        #expect(facility.range?.column == 12)
        let level = try problem("log stdout local0 warnig")
        #expect(level.message == "unknown log level 'warnig'")
        #expect(level.suggestion == "warning")
        let format = try problem("log stdout format rfc5242 local0")
        #expect(format.message == "unknown log format 'rfc5242'")
        #expect(format.suggestion == "rfc5424")
    }

    @Test(arguments: [
        ("log", "'log' lacks an argument"),
        ("log stdout", "'log' lacks an argument"),
        ("log stdout len 10 local0", "10 is out of range"),
        ("log stdout len local0", "'local0' is not a whole number"),
        ("log ring@ local0", "'ring@' lacks a name"),
        ("log backend@app local0", "logs cannot be sent to a backend yet"),
        ("log tcp@:514 local0", "'tcp@:514' names no host to send to"),
        ("log :514 local0", "':514' names no host to send to"),
        ("log 127.0.0.1:1-2 local0", "a log target has one port"),
        ("log stdout sample 1 local0", "'1' is not a sample"),
        ("log stdout sample 3:2 local0", "'3:2' is not a sample"),
        ("log stdout sample 0:2 local0", "'0:2' is not a sample"),
        ("log stdout sample 2-1:2 local0", "'2-1:2' is not a sample"),
        ("log-tag", "'log-tag' lacks an argument"),
        ("log-tag é", "'é' is not allowed in a syslog header"),
        ("log-send-hostname ü", "'ü' is not allowed in a syslog header"),
    ])
    func `A wrong line says what is wrong`(line: String, message: String) throws {
        #expect(try problem(line).message == message)
    }

    @Test func `log global belongs to proxies`() throws {
        #expect(try problem("log global", in: .global).message == "'log global' is not allowed in the global section")
    }
}
