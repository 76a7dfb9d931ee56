// One process takes the listening sockets of another (`-x`, `expose-fd listeners`), Portico or HAProxy, while clients connect.

import Foundation
import Glibc
import Synchronization
import Testing

private let haproxy = "/usr/sbin/haproxy"
private let hasHAProxy = FileManager.default.isExecutableFile(atPath: haproxy)

@Suite(.staged) struct HandoverScenarios {
    /// Clients that connect for each request, all the time.
    private final class Visitors: Sendable {
        private struct Seen {
            var isOver = false
            var answers: [String: Int] = [:]
            var faults: [String] = []
        }
        private let seen = Mutex(Seen())
        private let group = DispatchGroup()

        init(_ count: Int, of ports: [Int]) {
            for number in 0..<count {
                let thread = Thread { [self] in
                    visit(ports[number % ports.count])
                    group.leave()
                }
                group.enter()
                thread.start()
            }
        }

        private func visit(_ port: Int) {
            while seen.withLock({ !$0.isOver }) {
                do {
                    let text = try fetch("/", from: port).text
                    seen.withLock { $0.answers[text, default: 0] += 1 }
                } catch {
                    seen.withLock { $0.faults.append("\(error)") }
                }
            }
        }

        func answers(_ text: String) -> Int { seen.withLock { $0.answers[text, default: 0] } }

        /// Ends them and returns what has gone wrong.
        func end() -> [String] {
            seen.withLock { $0.isOver = true }
            group.wait()
            return seen.withLock { $0.faults }
        }
    }

    private func site(_ name: String, threads: Int, binds: [String], runtime: String, exposes: Bool = true) -> String {
        """
        \(opening(global: "nbthread \(threads)\nstats socket \(runtime) level admin\(exposes ? " expose-fd listeners" : "")"))
        frontend www
            \(binds.map { "bind \($0)" }.joined(separator: "\n    "))
            http-request return status 200 content-type text/plain string "\(name)"

        """
    }

    /// Starts `binary` with `configuration`.
    private func start(
        _ binary: String, _ configuration: String, named name: String, _ arguments: String...
    ) throws -> Child {
        let file = try Stage.current.file("\(name).cfg", configuration)
        let process = try Child(
            [binary, "-db", "-f", file] + arguments, named: name, in: Stage.current.folder)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        Stage.current.inCaseOfFailure { "\(name):\n\(process.errors)\(process.output)" }
        return process
    }

    /// Lets `second` take over from `first` while clients connect. Returns what went wrong for them.
    private func takeOver(_ first: String, _ second: String, threads: (Int, Int)) throws -> [String] {
        let (one, two) = (try freePort(), try freePort())
        let (runtime, web) = (Stage.current.folder + "/run.sock", Stage.current.folder + "/web.sock")
        let binds = ["127.0.0.1:\(one)", "127.0.0.1:\(two)", "unix@\(web)"]
        let old = try start(
            first, site("old", threads: threads.0, binds: binds, runtime: runtime), named: "old")
        #expect(eventually { isListening(on: one) && isListening(on: two) && isListening(at: runtime) })
        let visitors = Visitors(4, of: [one, two])
        #expect(eventually { visitors.answers("old") >= 100 })

        let new = try start(
            second, site("new", threads: threads.1, binds: binds, runtime: runtime), named: "new", "-x", runtime, "-sf",
            "\(old.pid)")

        #expect(eventually { old.ended() != nil })
        #expect(new.ended() == nil)
        let before = visitors.answers("new")
        #expect(eventually { visitors.answers("new") >= before + 200 })
        let faults = visitors.end()
        for _ in 1...5 { #expect(try Connection(toUnixSocket: web).fetch("/").text == "new") }
        new.signal(SIGUSR1)
        #expect(new.end() == .status(0))
        return faults
    }

    @Test(
        "-x: a process takes over without losing a client, with as many threads as the one before, more, or fewer",
        arguments: [(2, 2), (1, 3), (3, 1)])
    func withinOneProgram(before: Int, after: Int) throws {
        #expect(try takeOver(Portico.binary, Portico.binary, threads: (before, after)) == [])
    }

    @Test(
        "-x: Portico takes over from HAProxy", .enabled(if: Portico.isItself && hasHAProxy),
        arguments: [(1, 1), (2, 2)])
    func fromHAProxy(before: Int, after: Int) throws {
        #expect(try takeOver(haproxy, Portico.binary, threads: (before, after)) == [])
    }

    @Test("-x: HAProxy takes over from Portico", .enabled(if: Portico.isItself && hasHAProxy))
    func byHAProxy() throws {
        #expect(try takeOver(Portico.binary, haproxy, threads: (1, 1)) == [])
    }

    @Test("Addresses that cannot be shared are handed over, and those that are gone are closed")
    func abstractAndGone() throws {
        let (stays, goes) = (try freePort(), try freePort())
        let runtime = Stage.current.folder + "/run.sock"
        let abstract = "abns@handover-\(stays)"
        let old = try start(
            Portico.binary,
            site("old", threads: 2, binds: ["127.0.0.1:\(stays)", "127.0.0.1:\(goes)", abstract], runtime: runtime),
            named: "old")
        #expect(eventually { isListening(on: goes) && isListening(at: runtime) })

        _ = try start(
            Portico.binary, site("new", threads: 2, binds: ["127.0.0.1:\(stays)", abstract], runtime: runtime),
            named: "new", "-x", runtime, "-sf", "\(old.pid)")

        #expect(old.end() == .status(0))
        #expect(try fetch("/", from: stays).text == "new")
        #expect(!isListening(on: goes))
        #expect(!old.output.contains("Paused"))
    }

    @Test("A process that finishes its last exchange is not woken by clients of the one that took over")
    func quietWhileFinishing() throws {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { _ in
            curtain.wait()
            return "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\npatient"
        }
        Stage.current.atTheEnd { curtain.signal() }
        let port = try freePort()
        let runtime = Stage.current.folder + "/run.sock"
        let text = """
            \(opening(global: "stats socket \(runtime) level admin expose-fd listeners"))
            listen www
                bind 127.0.0.1:\(port)
                server s1 127.0.0.1:\(server.port)

            """
        let old = try start(Portico.binary, text, named: "old")
        #expect(eventually { isListening(on: port) && isListening(at: runtime) })
        let last = try Connection(to: port)
        try last.send("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(eventually { server.requests.count == 1 })
        let new = try start(Portico.binary, text, named: "new", "-x", runtime, "-sf", "\(old.pid)")
        #expect(eventually { (try? statistics(at: runtime).contains("Pid: \(new.pid)\n")) == true })

        // Clients wait in the queue meanwhile.
        kill(new.pid, SIGSTOP)
        defer { kill(new.pid, SIGCONT) }
        let waiting = try Connection(to: port)
        let before = ticks(of: old.pid)
        usleep(500_000)
        #expect(ticks(of: old.pid) - before < 20, "it uses the processor all the time")
        waiting.close()

        curtain.signal()
        #expect(try last.receiveAnswer().text == "patient")
        #expect(old.end() == .status(0))
    }

    private func statistics(at path: String) throws -> String {
        let commands = try Connection(toUnixSocket: path)
        try commands.send("show info\n")
        return String(decoding: try commands.receiveAll(), as: UTF8.self)
    }

    /// The processor time that a process has used, in hundredths of a second.
    private func ticks(of pid: Int32) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
    }

    @Test("A process that hands nothing out, or is not there, is named, and the start fails while it serves on")
    func refused() throws {
        let port = try freePort()
        let runtime = Stage.current.folder + "/run.sock"
        let text = site("old", threads: 1, binds: ["127.0.0.1:\(port)"], runtime: runtime, exposes: false)
        let old = try start(Portico.binary, text, named: "old")
        #expect(eventually { isListening(on: port) && isListening(at: runtime) })
        let file = try Stage.current.file("next.cfg", text)

        for path in [runtime, runtime + "-gone"] {
            let ended = try Portico.run("-db", "-f", file, "-x", path, "-sf", "\(old.pid)")
            #expect(ended.exit == .status(1))
            if Portico.isItself {
                #expect(ended.errors.contains("-x: cannot get the listening sockets from \(path): "))
                #expect(ended.errors.contains("expose-fd listeners") == (path == runtime))
            }
        }
        #expect(old.ended() == nil)
        #expect(try fetch("/", from: port).text == "old")
    }
}
