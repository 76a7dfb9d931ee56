// Conversations on the runtime socket: whole, in pieces, slow, too many, too long, and cut off.

import Admin
import Basics
import KernelSimulation
import Testing

@testable import Control
@testable import Logging
@testable import Proxy

@Suite struct RuntimeSocketTests {
    private func site(_ change: (inout AdminSettings) -> Void = { _ in }) throws -> ControlledSite {
        var admin = AdminSettings()
        change(&admin)
        return try ControlledSite("server s1 127.0.0.1:9001", admin: admin)
    }

    @Test func `one line is answered, and the connection closed`() throws {
        let site = try site()
        let one = site.connect("show cli level\nshow cli level\n")
        site.run(for: 20)
        #expect(one.heard == "admin\n\n" && one.isClosed)
        site.end()
    }

    @Test func `with a prompt commands are answered in turn until quit`() throws {
        let site = try site()
        let one = site.connect("prompt\nuser;show cli level\noperator\n")
        site.run(for: 20)
        #expect(one.heard == "\n> \n> user\n\n> Permission denied\n\n> " && !one.isClosed, "\(one.heard)")
        one.says("quit\n")
        site.run(for: 20)
        #expect(one.isClosed)
        site.end()
    }

    @Test(arguments: 1...20) func `commands in single bytes and a slow reader are served all the same`(
        _ seed: UInt64
    ) throws {
        let whole = try site()
        let fast = whole.connect("show stat\n")
        whole.run(for: 100)
        let site = try ControlledSite(seed: seed, "server s1 127.0.0.1:9001")
        let slow = site.connect("show stat\n", bytesAtOnce: 1, reads: 7)
        site.run(for: 9_000)
        #expect(slow.isClosed && slow.heard == fast.heard && slow.heard.hasPrefix("# pxname,"), "seed \(seed)")
        whole.end()
        site.end()
    }

    @Test func `a last line without its end is run when the operator finishes`() throws {
        let site = try site()
        let one = site.connect("show cli level")
        site.run(for: 20)
        #expect(one.heard.isEmpty && !one.isClosed)
        one.finish()
        site.run(for: 20)
        #expect(one.heard == "admin\n\n" && one.isClosed)
        site.end()
    }

    @Test func `who is silent, or takes nothing, is closed after stats timeout`() throws {
        let site = try site { $0.timeout = .seconds(3) }
        let silent = site.connect("prompt\n")
        let deaf = site.connect("show stat\n", reads: 0)
        site.run(for: 2_900)
        #expect(!silent.isClosed && !deaf.isClosed)
        site.run(for: 200)
        #expect(silent.isClosed && deaf.isClosed)
        site.end()
    }

    @Test func `more connections than stats maxconn are closed unheard, until one ends`() throws {
        let site = try site { $0.connectionsLimit = 2 }
        let first = site.connect("prompt\n")
        let second = site.connect("prompt\n")
        site.run(for: 20)
        let third = site.connect("show cli level\n")
        site.run(for: 20)
        #expect(!first.isClosed && !second.isClosed && third.isClosed && third.heard.isEmpty)
        first.says("quit\n")
        site.run(for: 20)
        let fourth = site.connect("show cli level\n")
        site.run(for: 20)
        #expect(fourth.heard == "admin\n\n")
        site.end()
    }

    @Test func `a reset in the middle of an answer leaves nothing`() throws {
        let site = try site()
        let one = site.connect("show stat\n", reads: 5)
        site.run(for: 10)
        #expect(!one.heard.isEmpty)
        one.reset()
        site.run(for: 10)
        #expect(one.isClosed && site.kernel.openCount == 0)
        site.end()
    }

    @Test func `show events -w sends the lines of a ring as they come, until the operator types`() throws {
        let site = try ControlledSite("server s1 127.0.0.1:9001")
        let ring = EventRing(name: "recent", description: "recent", capacity: 4_096)
        site.plan.site.logger.add(ring)
        #expect(ring.append(Array("first".utf8)[...]))
        let one = site.connect("show events recent -w\n")
        site.run(for: 150)
        #expect(one.heard == "first\n")
        for number in 0..<3 {
            #expect(ring.append(Array("line \(number)".utf8)[...]))
            site.run(for: 150)
        }
        #expect(one.heard == "first\nline 0\nline 1\nline 2\n" && !one.isClosed)
        one.says("\n")
        site.run(for: 150)
        #expect(one.heard.hasSuffix("line 2\n\n") && one.isClosed, "\(one.heard)")

        let second = site.connect("show events recent -wn\n")
        site.run(for: 12_000)
        #expect(second.heard.isEmpty && !second.isClosed, "following is no silence that stats timeout ends")
        second.reset()
        site.run(for: 150)
        #expect(second.isClosed)
        site.end()
    }

    @Test func `no descriptor left is no reason to spin, and the connection is answered a moment later`() throws {
        let site = try site()
        site.kernel.moods.exhaustion = 1_000
        let one = site.connect("show cli level\n")
        site.run(for: 1_000)
        #expect(!one.isClosed && one.heard.isEmpty)
        site.kernel.moods.exhaustion = 0
        site.run(for: 200)
        #expect(one.heard == "admin\n\n")
        site.end()
    }
}
