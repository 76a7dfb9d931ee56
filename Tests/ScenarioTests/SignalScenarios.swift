// Signals that do not end the process, and the report of a crash.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct SignalScenarios {
    @Test("SIGTTOU gives the addresses up and leaves what is under way alone, SIGTTIN takes them back")
    func pauseAndResume() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        #expect(try client.fetch("/before").text == "hello")

        front.portico.process.signal(SIGTTOU)
        _ = try front.portico.logLine(with: "Paused")
        #expect(eventually { (try? Connection(to: front.port)) == nil })
        #expect(try client.fetch("/meanwhile").text == "hello")

        front.portico.process.signal(SIGTTIN)
        _ = try front.portico.logLine(with: "Resumed")
        #expect(eventually { (try? fetch("/after", from: front.port).text) == "hello" })
    }

    @Test("SIGTTIN tries again where another process had the address", .enabled(if: Portico.isItself))
    func resumeAgain() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        front.portico.process.signal(SIGTTOU)
        #expect(eventually { !isListening(on: front.port) })

        let other = try Endpoint.ipv4(front.port).socket(SOCK_STREAM)
        var yes: Int32 = 1
        unsafe setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        try #require(Endpoint.ipv4(front.port).bind(other))
        try #require(listen(other, 1) == 0)
        front.portico.process.signal(SIGTTIN)
        _ = try front.portico.logLine(with: "Cannot listen again")
        _ = Child.whileNoneStarts { Glibc.close(other) }

        front.portico.process.signal(SIGTTIN)
        #expect(eventually { (try? fetch("/", from: front.port).text) == "hello" })
        front.portico.process.signal(SIGTERM)
        #expect(front.portico.process.end() != nil)
    }

    @Test("SIGUSR1 ends it although its addresses are given up")
    func stopWhilePaused() throws {
        let front = try FrontDoor(before: freePort())
        front.portico.process.signal(SIGTTOU)
        #expect(eventually { !isListening(on: front.port) })
        front.portico.process.signal(SIGUSR1)
        #expect(front.portico.process.end() == .status(0))
    }

    @Test(
        "A signal that comes while addresses are still being opened waits for its turn", .enabled(if: Portico.isItself),
        arguments: [SIGUSR1, SIGTERM])
    func early(signal: Int32) throws {
        // Regression: the signal ended the process, because no handler was installed yet.
        let front = try freePort()
        let stage = Stage.current
        let others = (1...300).map { "    bind unix@\(stage.folder)/\($0)" }.joined(separator: "\n")
        let file = try stage.file(
            "early.cfg",
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
            \(others)
                http-request return

            """)
        let process = try Child([Portico.binary, "-db", "-f", file], named: "early", in: stage.folder)
        stage.atTheEnd { process.stop(patience: 1) }
        #expect(eventually { isListening(on: front) })

        process.signal(signal)
        #expect(process.end() == .status(0))
    }

    @Test("SIGHUP logs how proxies and servers are")
    func status() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        _ = try fetch("/", from: front.port)
        // It is in progress until shortly after its response.
        _ = try front.portico.exchange(with: "GET / ")

        front.portico.process.signal(SIGHUP)
        let line = try front.portico.logLine(with: "Server app/s1 is UP")
        #expect(line.contains("0 act, 0 pend, 1 tot."))
        _ = try front.portico.logLine(with: "Proxy app has 1 active servers and 0 backup servers available.")
        #expect(try fetch("/", from: front.port).status == 200)
    }

    @Test("Signals about terminals, pipes and memory do not end it", arguments: [SIGQUIT, SIGPIPE, SIGUSR2])
    func survives(signal: Int32) throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        _ = try fetch("/", from: front.port)

        front.portico.process.signal(signal)
        if signal == SIGQUIT && Portico.isItself { _ = try front.portico.logLine(with: "Worker 1 gave back") }
        #expect(try fetch("/", from: front.port).text == "hello")
    }

    @Test("A crash is reported with its thread and stack", .enabled(if: Portico.isItself))
    func crash() throws {
        let port = try freePort()
        let file = try Stage.current.file(
            "crash.cfg", "\(opening())\nfrontend www\n    bind 127.0.0.1:\(port)\n    http-request return\n")
        // Swift's own reporter is available only where Swift is installed.
        let process = try Child(
            ["env", "SWIFT_BACKTRACE=enable=no", Portico.binary, "-db", "-f", file], named: "crash",
            in: Stage.current.folder, workingFolder: projectFolder)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        #expect(eventually { isListening(on: port) })

        process.signal(SIGSEGV)
        let exit = process.end()
        #expect(exit == .signal(SIGSEGV))
        #expect(process.errors.contains("crashed, please report this: SIGSEGV in thread portico"))
        #expect(process.errors.contains("portico(+0x"))
    }
}
