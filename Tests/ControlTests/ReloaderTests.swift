// Reloads step by step: a refused configuration changes nothing, names are looked up apart, and a reload ends when the worker has gone
// to the plan.

import Admin
import Balancing
import Basics
import KernelSimulation
import Logging
import Reactor
import SiteTesting
import Testing

@testable import Control
@testable import Proxy

/// A configuration that a test writes.
private final class WrittenConfiguration: ConfigurationSource {
    var text = ""
    /// Why sockets cannot be opened.
    var fault: String?
    private(set) var readings = 0
    /// Whether the process listened when sockets were committed.
    private(set) var committed: [Bool] = []
    var runtimeSockets: [(socket: Socket, settings: StatsSocket)] = []

    init(_ text: String = "") { self.text = text }

    func read(for site: Site) -> ConfigurationReading {
        readings += 1
        let candidate = Plan.candidate(text, for: site, now: Instant(nanoseconds: 1))
        return ConfigurationReading(
            candidate: candidate, problems: candidate == nil ? "site.cfg:1: error: bad\n" : "",
            events: candidate == nil ? [(.err, "site.cfg:1: bad")] : [])
    }

    func open(_ reading: ConfigurationReading) throws(ReloadFault) -> PreparedSockets {
        if let fault { throw ReloadFault(fault) }
        return PreparedSockets(workers: [[]], runtimeSockets: runtimeSockets) { [self] in committed.append($0) }
    }
}

@Suite struct ReloaderTests {
    private static let log = "global\n  log stdout format raw local0\n"
    private let configuration = WrittenConfiguration()
    private let site: ControlledSite

    init() throws {
        site = try ControlledSite("server s1 127.0.0.1:9001", "server s2 127.0.0.1:9002", configuration: configuration)
        configuration.runtimeSockets = [(site.kernel.listener, site.runtimeSocket)]
    }

    private func text(_ servers: String...) -> String {
        Self.log + "listen site\n  mode http\n  bind 127.0.0.1:80\n" + servers.map { "  server \($0)\n" }.joined()
    }

    /// What the worker is told; it goes to the plan at once.
    private func switchWorker() throws -> PlanSwitch {
        let order = try #require(site.mailbox.takeSwitch())
        site.mailbox.acknowledge(order.plan.generation)
        return order
    }

    @Test func `the plan is put in force, and the reload ends when the worker has gone to it`() throws {
        configuration.text = text("s2 127.0.0.1:9002", "s3 127.0.0.1:9003")
        let one = site.connect("reload\n")
        site.run(for: 100)
        #expect(one.heard.isEmpty && site.backend.servers.map(\.name) == ["s2", "s3"])
        let order = try switchWorker()
        #expect(order.removedServers.map(\.name) == ["s1"] && order.plan.backends[0].backend === site.backend)
        site.run(for: 100)
        #expect(one.heard == "Success=1\n\n" && configuration.committed == [true])
        #expect(site.log().last == "Reloaded the configuration: 1 frontend, 1 backend, 2 servers.")
        site.end()
    }

    @Test func `a configuration with a mistake changes nothing, and what is wrong is logged and answered`() throws {
        configuration.text = text("s3 127.0.0.1:9003") + "  nonsense\n"
        let one = site.connect("reload\n")
        site.run(for: 100)
        #expect(one.heard == "Success=0\n--\nsite.cfg:1: error: bad\n\n")
        #expect(
            site.log().suffix(2) == ["site.cfg:1: bad", "The configuration was not reloaded; that in force stays."])
        #expect(site.mailbox.takeSwitch() == nil && site.backend.servers.map(\.name) == ["s1", "s2"])
        site.end()
    }

    @Test func `where a socket cannot be opened nothing changes`() throws {
        configuration.text = text("s3 127.0.0.1:9003")
        configuration.fault = "cannot listen"
        let one = site.connect("reload\n")
        site.run(for: 100)
        #expect(one.heard == "Success=0\n--\ncannot listen\n\n" && configuration.committed.isEmpty)
        #expect(site.mailbox.takeSwitch() == nil && site.backend.servers.map(\.name) == ["s1", "s2"])
        site.end()
    }

    @Test func `names are looked up before the reading that counts`() throws {
        configuration.text = text("s1 a.test:9001")
        let one = site.connect("reload\n")
        site.run(for: 100)
        #expect(site.reloadHosts.asked == [["a.test"]] && configuration.readings == 1)
        #expect(site.mailbox.takeSwitch() == nil && one.heard.isEmpty)
        site.reloadHosts.answers = [.loopbackV4]
        site.run(for: 100)
        #expect(configuration.readings == 2)
        #expect(site.backend.servers.map(\.address) == [.ip(.loopbackV4, port: 9_001)])
        _ = try switchWorker()
        site.run(for: 100)
        #expect(one.heard == "Success=1\n\n")
        site.end()
    }

    @Test func `a process that was told to stop while names were looked up goes to no other plan`() throws {
        configuration.text = text("s1 a.test:9001")
        let one = site.connect("reload\n")
        site.run(for: 100)
        site.control.stopSoftly()
        site.reloadHosts.answers = [.loopbackV4]
        site.run(for: 100)
        #expect(one.heard == "Success=0\n--\nThe process is stopping.\n\n" && configuration.readings == 1)
        #expect(site.mailbox.takeSwitch() == nil)
        site.end()
    }

    @Test func `one at a time, and none while the process stops`() throws {
        configuration.text = text("s1 127.0.0.1:9001")
        let one = site.connect("reload\n")
        site.run(for: 100)
        let two = site.connect("reload\n")
        site.run(for: 100)
        #expect(one.heard.isEmpty && two.heard == "Success=0\n--\nAnother reload is still in progress.\n\n")
        _ = try switchWorker()
        site.run(for: 100)
        site.control.stopSoftly()
        let three = site.connect("reload\n")
        site.run(for: 100)
        #expect(one.heard == "Success=1\n\n" && three.heard == "Success=0\n--\nThe process is stopping.\n\n")
        site.end()
    }

    @Test func `nothing keeps the plan before once the worker has gone to the next`() throws {
        configuration.text = text("s1 127.0.0.1:9001")
        site.control.reloads.request()
        site.run(for: 10)
        weak let first = try switchWorker().plan
        site.run(for: 10)
        #expect(first != nil)
        site.control.reloads.request()
        site.run(for: 10)
        _ = try switchWorker()
        site.run(for: 10)
        #expect(first == nil)
        site.end()
    }
}
