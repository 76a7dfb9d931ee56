// The operator's interfaces: the stats page, its machine-readable forms, and the runtime socket.

import Foundation
import Testing

@Suite(.staged) struct AdminScenarios {
    /// A site with one server up and one down, a stats page, and a runtime socket.
    private struct House {
        let front: Int
        let stats: Int
        let socket: String
        let portico: Portico

        init() throws {
            let server = try ScriptedServer(saying: "hello")
            front = try freePort()
            stats = try freePort()
            socket = Stage.current.folder + "/admin.sock"
            portico = try Portico(
                """
                \(opening(global: "stats socket \(socket) mode 600 level admin"))
                frontend www
                    bind 127.0.0.1:\(front)
                    default_backend app
                backend app
                    server alive 127.0.0.1:\(server.port) check inter 50ms
                    server dead  127.0.0.1:\(freePort()) check inter 50ms fall 1
                listen stats
                    bind 127.0.0.1:\(stats)
                    stats enable
                    stats uri /
                    stats refresh 5s
                """, listeningOn: front, stats)
            _ = try portico.logLine(with: "app/dead is DOWN")
            for _ in 1...3 { _ = try fetch("/", from: front) }
            // An exchange is counted shortly after its response has reached the client, and logged when it is counted.
            #expect(eventually { portico.logLines.count { $0.contains(" www ") } == 3 })
        }
    }

    @Test("The page shows frontends, backends and servers, and refreshes itself")
    func page() throws {
        let house = try House()
        let answer = try fetch("/", from: house.stats)
        #expect(answer.status == 200)
        #expect(answer["content-type"]?.hasPrefix("text/html") == true)
        #expect(answer["refresh"] == "5" || answer.text.contains("http-equiv=\"refresh\""))
        for name in ["www", "app", "alive", "dead", "stats"] { #expect(answer.text.contains(name)) }
        #expect(try fetch("/", from: house.stats, method: "HEAD").status == 200)
    }

    @Test("The CSV has HAProxy's columns, and the numbers add up")
    func csv() throws {
        let house = try House()
        let answer = try fetch("/;csv", from: house.stats)
        #expect(answer["content-type"]?.hasPrefix("text/plain") == true)
        #expect(answer.text.hasPrefix("# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,"))

        let rows = try table(answer.text)

        #expect(rows["www/FRONTEND"]?["status"] == "OPEN")
        #expect(rows["www/FRONTEND"]?["hrsp_2xx"] == "3")
        #expect(rows["app/alive"]?["status"] == "UP")
        #expect(rows["app/alive"]?["stot"] == "3")
        #expect(rows["app/dead"]?["status"] == "DOWN")
        #expect(rows["app/dead"]?["stot"] == "0")
        #expect(rows["app/dead"]?["check_status"] == "L4CON")
        #expect(rows["app/BACKEND"]?["status"] == "UP")
        #expect(rows["app/BACKEND"]?["act"] == "1")
        #expect(rows["app/BACKEND"]?["hrsp_2xx"] == "3")
        let bytes = Int(rows["www/FRONTEND"]?["bout"] ?? "") ?? 0
        #expect(bytes >= 3 * 5)
    }

    @Test("The JSON is JSON and knows every server")
    func json() throws {
        let house = try House()
        let answer = try fetch("/;json", from: house.stats)
        #expect(answer["content-type"]?.hasPrefix("application/json") == true)
        _ = try JSONSerialization.jsonObject(with: Data(answer.body))
        for name in ["www", "app", "alive", "dead"] { #expect(answer.text.contains("\"\(name)\"")) }
    }

    @Test("`show stat` on the runtime socket is the CSV")
    func showStat() throws {
        let house = try House()
        let rows = try table(ask(house.socket, "show stat"))
        #expect(rows["app/alive"]?["stot"] == "3")
        #expect(rows["app/dead"]?["status"] == "DOWN")
    }

    @Test("`show info` names the process and its load")
    func showInfo() throws {
        let house = try House()
        let info = try ask(house.socket, "show info").split(separator: "\n")
            .map { $0.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) } }
        let values = Dictionary(info.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { first, _ in first }
        #expect(values["Pid"] == "\(house.portico.process.pid)")
        #expect(values["Version"] != nil)
        #expect(Int(values["Uptime_sec"] ?? "") != nil)
        #expect(Int(values["CurrConns"] ?? "") != nil)
        #expect(Int(values["CumReq"] ?? "") ?? 0 >= 3)
    }

    @Test("`help` lists the commands; a word that is no command says so")
    func help() throws {
        let house = try House()
        let text = try ask(house.socket, "help")
        for command in ["help", "show stat", "show info"] { #expect(text.contains(command)) }
        #expect(try ask(house.socket, "nonsense").lowercased().contains("unknown command"))
    }

    @Test("The runtime socket is for its owner alone when the file says so")
    func socketMode() throws {
        let house = try House()
        let mode = try FileManager.default.attributesOfItem(atPath: house.socket)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("show errors has the last request and the last response that were not understood, and where they went wrong")
    func refused() throws {
        let server = try ScriptedServer { _ in "HTTP/1.1 200 OK\r\nwrong name: x\r\n\r\n" }
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(before: server.port, global: "stats socket \(socket) level admin")
        func errors() throws -> String {
            let asking = try Connection(toUnixSocket: socket)
            try asking.send("show errors\n")
            return String(decoding: try asking.receiveAll(), as: UTF8.self)
        }
        #expect(try errors().hasSuffix(" : 0\n\n"))

        let client = try Connection(to: front.port)
        try client.send("GET /fine HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try client.receiveAnswer().status == 502)
        let other = try Connection(to: front.port)
        try other.send("GET /framed HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n")
        #expect(try other.receiveAnswer().status == 400)
        let said = try errors()
        #expect(
            said.contains("] backend app (#3): invalid response\n  frontend www (#2), server s1 (#1), event #0, src "))
        #expect(said.contains("  00017  wrong name: x\\r\\n\n"))
        #expect(said.contains("error at position 22\n"))
        #expect(
            said.contains("] frontend www (#2): invalid request\n  backend <NONE> (#-1), server <NONE> (#-1), event #1")
        )
        #expect(said.contains("  00000  GET /framed HTTP/1.1\\r\\n\n"))
    }
}

/// The rows of a CSV by `proxy/server`, each a dictionary by column name.
func table(_ csv: String) throws -> [String: [String: String]] {
    let lines = csv.trimmingPrefix("# ").split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let names = try #require(lines.first)
    var rows: [String: [String: String]] = [:]
    for line in lines.dropFirst() where line.count > 2 {
        rows["\(line[0])/\(line[1])"] = Dictionary(zip(names, line)) { first, _ in first }
    }
    return rows
}
