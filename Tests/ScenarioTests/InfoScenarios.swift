// Every field of `show info`: measured, or absent.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct InfoScenarios {
    /// The expected fields after three requests, with one connection still open. HAProxy has more fields, and
    /// another name.
    private static let fields: [String: ClosedRange<Int>?] = [
        "Name": nil, "Version": nil, "Release_date": nil, "node": nil, "description": nil, "Uptime": nil,
        "Nbthread": 2...2, "Nbproc": 1...1, "Process_num": 1...1, "Pid": 1...(1 << 30), "Uptime_sec": 0...1_000,
        "Start_time_sec": 1_700_000_000...(1 << 40),
        "Maxconn": 50...50, "Hard_maxconn": 50...50, "Ulimit-n": 64...(1 << 30), "Maxsock": 64...(1 << 30),
        "CurrConns": 1...1, "CumConns": 1...1, "CumReq": 3...3,
        "ConnRate": 0...1, "MaxConnRate": 1...1, "SessRate": 0...1, "MaxSessRate": 1...1, "ReqRate": 0...3,
        "MaxReqRate": 1...3,
        // There is little to do, so most of the time is spent waiting.
        "Idle_pct": 1...100,
        "Stopping": 0...0, "Jobs": 2...2, "Listeners": 1...1, "DroppedLogs": 0...0, "RegexUndecided": 0...0,
        "Plans": 1...1,
        "TotalBytesIn": 90...500,
        // Bytes sent to the server and to the client: 3 × 100,000 and their heads.
        "TotalBytesOut": 300_000...302_000, "BytesOutRate": 0...302_000,
        "Resident_bytes": (1 << 20)...(1 << 32),
        "MaxSslConns": 0...0, "CurrSslConns": 0...0, "CumSslConns": 0...0, "MaxSslRate": 0...0, "SslRate": 0...0,
        "SslRateLimit": 0...0, "ConnRateLimit": 0...0, "SessRateLimit": 0...0,
        "SslFrontendKeyRate": 0...0, "SslFrontendMaxKeyRate": 0...0, "SslFrontendSessionReuse_pct": 0...0,
        "SslBackendKeyRate": 0...0, "SslBackendMaxKeyRate": 0...0,
        "PoolAlloc_MB": 0...10, "PoolAlloc_bytes": 16_384...10_000_000, "PoolUsed_MB": 0...1,
        "PoolUsed_bytes": 0...200_000,
    ]

    @Test("Each field of show info is measured, and there is none that this table does not know")
    func everyField() throws {
        let server = try ScriptedServer(saying: String(repeating: "x", count: 100_000))
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port,
            global: "stats socket \(socket) level admin\n    nbthread 2\n    maxconn 50\n    description test")
        let client = try Connection(to: front.port)
        for _ in 1...3 { #expect(try client.fetch("/").body.count == 100_000) }
        var info: [String: String] = [:]
        // The idle time is measured once per second.
        #expect(
            try eventually {
                let lines = try ask(socket, "show info").split(separator: "\n").map {
                    $0.split(separator: ":", maxSplits: 1)
                }
                info = Dictionary(lines.filter { $0.count == 2 }.map { (String($0[0]), $0[1].dropFirst().description) })
                {
                    first, _ in first
                }
                return info["Idle_pct"] != nil && info["TotalBytesIn"] != "0"
            })
        #expect(Set(info.keys) == Set(Self.fields.keys))
        for (name, range) in Self.fields {
            guard let range else { continue }
            let value = info[name] ?? ""
            #expect(Int(value).map(range.contains) == true, "\(name): \(value), not in \(range)")
        }
        client.close()
        #expect(try eventually { try ask(socket, "show info").contains("\nCurrConns: 0\n") })
    }

    @Test("While the process ends softly, its frontends have stopped and nothing listens")
    func stopping() throws {
        let server = try ScriptedServer { connection, _ in
            _ = try connection.receiveRequest(within: 60)
            _ = try connection.receiveAll(within: 60)
        }
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(before: server.port, global: "stats socket \(socket) level admin")
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(eventually { server.connectionCount == 1 })
        front.portico.process.signal(SIGUSR1)
        #expect(try eventually { try ask(socket, "show info").contains("\nStopping: 1\nJobs: 1\nListeners: 0\n") })
        #expect(try table(ask(socket, "show stat"))["www/FRONTEND"]?["status"] == "STOP")
        server.stop()
        #expect(front.portico.process.end(within: 60) == .status(0))
    }
}
