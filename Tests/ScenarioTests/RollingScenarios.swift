// Instances that are killed, or restarted one after the other, while many clients ask: none of them gets an error.

import Foundation
import Synchronization
import Testing

@Suite(.staged) struct RollingScenarios {
    /// Three instances, and agents that say of each what a test has them say.
    private final class Site {
        let front: Int
        let portico: Portico
        private let stats: Int
        private var instances: [Application]
        private let words = (0..<3).map { _ in Words() }

        private final class Words: Sendable {
            let text = Mutex("up ready")
        }

        init(_ backend: String, server: String) throws {
            let instances = try (1...3).map { try Application.start(.gunicorn, named: "number \($0)") }
            self.instances = instances
            let agents = try words.map { words in
                try ScriptedServer { connection, _ in try connection.send(words.text.withLock { $0 } + "\n") }
            }
            front = try freePort()
            stats = try freePort()
            let servers = (0..<3).map {
                "    server s\($0 + 1) 127.0.0.1:\(instances[$0].port) check inter 100ms fall 2 rise 1 agent-check "
                    + "agent-port \(agents[$0].port) agent-inter 100ms \(server)\n"
            }
            portico = try Portico(
                """
                \(opening())
                frontend www
                    bind 127.0.0.1:\(front)
                    default_backend app
                backend app
                    option httpchk GET /health
                    \(backend)
                \(servers.joined())
                listen stats
                    bind 127.0.0.1:\(stats)
                    stats enable
                    stats uri /
                """, listeningOn: front, stats)
        }

        func row(_ index: Int) throws -> [String: String] {
            try #require(try table(try fetch("/;csv", from: stats).text)["app/s\(index + 1)"])
        }

        func shows(_ index: Int, _ status: String, idle: Bool = false) throws -> Bool {
            try eventually(within: 60) {
                let row = try row(index)
                return row["status"] == status && (!idle || row["scur"] == "0")
            }
        }

        func agentSays(_ text: String, of index: Int) { words[index].text.withLock { $0 = text } }

        /// - Parameter byCrash: whether it is killed without notice.
        func restart(_ index: Int, byCrash: Bool) throws {
            let port = instances[index].port
            if byCrash { instances[index].crash() } else { instances[index].stop() }
            #expect(try eventually { try row(index)["status"] != "UP" })
            instances[index] = try Application.start(.gunicorn, named: "number \(index + 1) again", on: port)
        }
    }

    @Test(
        "With a queue before instances that take one request at a time, 200 clients see no error while one is killed twice",
        .enabled(if: Portico.isItself))
    func killedBehindQueue() throws {
        let site = try Site("option safe-retry\n    timeout queue 60s", server: "maxconn 1")
        let crowd = Crowd(at: site.front, of: 200)
        for _ in 1...2 {
            let answered = crowd.answered
            #expect(eventually { crowd.answered > answered + 150 })
            try site.restart(1, byCrash: true)
            #expect(try site.shows(1, "UP"))
        }
        let answered = crowd.answered
        #expect(eventually { crowd.answered > answered + 150 })
        crowd.leave()
        #expect(crowd.failures == [])
    }

    @Test("Drain, restart and ready, over all instances, lose no request")
    func rollingRestart() throws {
        let site = try Site("balance leastconn", server: "")
        let crowd = Crowd(at: site.front, of: 16)
        for index in 0..<3 {
            let answered = crowd.answered
            #expect(eventually { crowd.answered > answered + 100 })
            site.agentSays("drain", of: index)
            #expect(try site.shows(index, "DRAIN", idle: true))
            try site.restart(index, byCrash: false)
            #expect(try site.shows(index, "DRAIN"))
            site.agentSays("up ready", of: index)
            #expect(try site.shows(index, "UP"))
        }
        crowd.leave()
        #expect(crowd.failures == [])
    }
}
