// Requests to reload: one at a time, and what the service manager is told.

import Admin
import Basics
import KernelSimulation
import Testing

@testable import Control
@testable import Reactor

@Suite struct ReloadsTests {
    @Test func `one at a time: who asks meanwhile is refused, and the service manager hears of one`() {
        let kernel = SimulatedKernel(seed: 1)
        var said: [ServiceManager.State] = []
        let reloads = Reloads(startMessages: "", clock: kernel) { said.append($0) }
        var ends: [(ReloadOutcome) -> Void] = []
        var told: [ReloadOutcome] = []
        reloads.perform = { ends.append($0) }
        reloads.request { told.append($0) }
        reloads.request { told.append($0) }
        #expect(told == [ReloadOutcome(isDone: false, problems: "Another reload is still in progress.")])
        #expect(said == [.reloading(since: kernel.now)] && ends.count == 1 && reloads.record.attempts == 0)
        ends[0](ReloadOutcome(isDone: false, problems: "bad"))
        #expect(told.count == 2 && told[1].problems == "bad" && said.last == .reloaded(isDone: false))
        reloads.request { told.append($0) }
        ends[1](ReloadOutcome(isDone: true))
        #expect(told.last?.isDone == true && said.count == 4 && said.last == .reloaded(isDone: true))
        #expect(reloads.record.attempts == 2 && reloads.record.failures == 0)
    }

    @Test func `where nothing can do it the answer says so`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        let one = site.connect("reload\n")
        site.run(for: 100)
        #expect(one.heard == "Success=0\n--\nThe configuration is not read again here.\n\n" && one.isClosed)
        site.end()
    }

    @Test func `the connection that says reload waits for its end, longer than stats timeout`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        var end: ((ReloadOutcome) -> Void)?
        site.control.reloads.perform = { end = $0 }
        let one = site.connect("reload\n")
        site.run(for: 15_000)
        #expect(one.heard.isEmpty && !one.isClosed)
        let ends = try #require(end)
        ends(ReloadOutcome(isDone: true))
        site.run(for: 100)
        #expect(one.heard == "Success=1\n\n" && one.isClosed)
        site.end()
    }

    @Test func `lines for the service manager are those of sd_notify`() {
        #expect(
            ServiceManager.State.reloading(since: Instant(nanoseconds: 1_234_567)).lines == [
                "RELOADING=1", "MONOTONIC_USEC=1234", "STATUS=Reloading configuration.",
            ])
        #expect(ServiceManager.State.reloaded(isDone: false).lines.first == "READY=1")
        #expect(ServiceManager.State.stopping.lines.first == "STOPPING=1")
    }
}
