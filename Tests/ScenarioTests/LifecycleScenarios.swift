// From start to end: signals, and the flags of the command line.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct LifecycleScenarios {
    /// A server that delays each response until the curtain rises.
    private func patientServer() throws -> (ScriptedServer, curtain: DispatchSemaphore) {
        let curtain = DispatchSemaphore(value: 0)
        let server = try ScriptedServer { _ in
            curtain.wait()
            return "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\npatient"
        }
        Stage.current.atTheEnd { curtain.signal() }
        return (server, curtain)
    }

    @Test(
        "In the background, in a chroot, as another user: the caller waits until it serves, the pid file is outside",
        .enabled(if: Portico.isItself && geteuid() == 0))
    func backgroundInChroot() throws {
        let front = try freePort()
        let jail = Stage.current.folder + "/jail"
        let pidFile = Stage.current.folder + "/portico.pid"
        try FileManager.default.createDirectory(atPath: jail, withIntermediateDirectories: true)
        func file(chroot: String) throws -> String {
            try Stage.current.file(
                "daemon.cfg",
                """
                global
                    daemon
                    chroot \(chroot)
                    user nobody
                    group nogroup
                    pidfile \(pidFile)
                listen www
                    mode http
                    bind 127.0.0.1:\(front)
                    http-request return status 200 content-type text/plain string "from the background"

                """)
        }

        #expect(try Portico.run("-f", file(chroot: jail)).exit == .status(0))

        let pid = try #require(
            pid_t(try String(contentsOfFile: pidFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
        Stage.current.atTheEnd { kill(pid, SIGKILL) }
        #expect(try fetch("/", from: front).text == "from the background")
        kill(pid, SIGTERM)
        #expect(eventually { kill(pid, 0) != 0 })
        #expect(try String(contentsOfFile: pidFile, encoding: .utf8).isEmpty)

        let failed = try Portico.run("-f", file(chroot: jail + "/nowhere"))
        #expect(failed.exit == .status(1))
        #expect(failed.errors.contains("cannot chroot"))
    }

    @Test("SIGUSR1: new clients are refused, the exchange under way is finished, and the end is a success")
    func softStop() throws {
        let (server, curtain) = try patientServer()
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(eventually { server.requests.count == 1 })

        front.portico.process.signal(SIGUSR1)
        #expect(eventually { !isListening(on: front.port) })
        #expect(throws: StageFault.self) { try Connection(to: front.port) }
        #expect(front.portico.process.ended() == nil)
        curtain.signal()

        #expect(try client.receiveAnswer().text == "patient")
        #expect(client.isClosedByPeer())
        #expect(front.portico.process.end() == .status(0))
    }

    @Test("A socket file that several workers listen on is closed by each of them once", arguments: [SIGUSR1, SIGTERM])
    func sharedListenerIsClosedOnce(signal: Int32) throws {
        let path = Stage.current.folder + "/shared.sock"
        let front = try freePort()
        let portico = try Portico(
            """
            \(opening(global: "nbthread 2"))
            frontend www
                bind 127.0.0.1:\(front)
                bind unix@\(path)
                http-request return status 200 content-type text/plain string "hello"
            """, listeningOn: front)
        for _ in 1...10 { #expect(try Connection(toUnixSocket: path).fetch("/").text == "hello") }

        portico.process.signal(signal)

        let exit = try #require(portico.process.end())
        #expect(exit == .status(0) || exit == .status(128 + signal) || exit == .signal(signal))
    }

    @Test("SIGUSR1 with only idle clients ends at once")
    func softStopWhenIdle() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        _ = try client.fetch("/")

        front.portico.process.signal(SIGUSR1)

        #expect(client.isClosedByPeer())
        #expect(front.portico.process.end() == .status(0))
    }

    @Test("SIGTERM and SIGINT end it at once, whatever is under way", arguments: [SIGTERM, SIGINT])
    func hardStop(signal: Int32) throws {
        let (server, _) = try patientServer()
        let front = try FrontDoor(before: server.port)
        let client = try Connection(to: front.port)
        try client.send("GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
        #expect(eventually { server.requests.count == 1 })

        front.portico.process.signal(signal)

        let exit = try #require(front.portico.process.end())
        // HAProxy is ended by the signal if it has no handler for it.
        #expect(exit == .status(0) || exit == .status(128 + signal) || exit == .signal(signal))
        #expect(client.isClosedByPeer())
        #expect(!isListening(on: front.port))
    }

    @Test("`-D -p` leaves a daemon whose process id is in the file")
    func daemon() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try freePort()
        let file = try Stage.current.file(
            "daemon.cfg",
            """
            defaults
                mode http
                timeout connect 60s
                timeout client 60s
                timeout server 60s
            listen www
                bind 127.0.0.1:\(front)
                server s1 127.0.0.1:\(server.port)

            """)
        let pidFile = Stage.current.folder + "/daemon.pid"

        let starter = try Portico.run("-D", "-p", pidFile, "-f", file)

        #expect(starter.exit == .status(0))
        let text = try String(contentsOfFile: pidFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let pid = try #require(pid_t(text))
        defer { kill(pid, SIGKILL) }
        #expect(getpgid(pid) != getpgid(0))
        #expect(eventually { isListening(on: front) })
        #expect(try fetch("/", from: front).text == "hello")
        kill(pid, SIGTERM)
        #expect(eventually { !isListening(on: front) })
    }

    @Test("What a daemon says when it crashes reaches the log", .enabled(if: Portico.isItself))
    func daemonCrash() throws {
        let port = try freePort()
        let (log, pidFile) = (Stage.current.folder + "/log", Stage.current.folder + "/crashing.pid")
        let syslog = try DatagramReceiver(.unix(log))
        let file = try Stage.current.file(
            "crash.cfg",
            """
            \(opening(global: "log \(log) local0"))
            frontend www
                bind 127.0.0.1:\(port)
                http-request return

            """)

        // Swift's own reporter is available only where Swift is installed.
        let starter = try Child(
            ["env", "SWIFT_BACKTRACE=enable=no", Portico.binary, "-D", "-p", pidFile, "-f", file], named: "starter",
            in: Stage.current.folder)
        #expect(starter.end() == .status(0))
        let text = try String(contentsOfFile: pidFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        let pid = try #require(pid_t(text))
        defer { kill(pid, SIGKILL) }
        #expect(eventually { isListening(on: port) })
        kill(pid, SIGSEGV)

        _ = try syslog.receive { $0.contains("crashed, please report this") }
        _ = try syslog.receive { $0.contains("SIGSEGV") }
        #expect(eventually { !isListening(on: port) })
    }

    @Test("`-v` says which version it is, `-vv` more, and both end")
    func version() throws {
        let short = try Portico.run("-v")
        #expect(short.exit == .status(0))
        #expect(short.output.contains(/version \d+\.\d+/) || short.output.contains(/ortico \d+\.\d+/))
        let long = try Portico.run("-vv")
        #expect(long.exit == .status(0))
        #expect(long.output.count > short.output.count)
    }

    @Test("`-q` keeps quiet about a good start")
    func quiet() throws {
        let front = try freePort()
        let portico = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(front)
                http-request return status 200 content-type text/plain string "hello"
            """, listeningOn: front, arguments: ["-q"])
        #expect(try fetch("/", from: front).text == "hello")
        #expect(portico.process.errors == "")
    }

    @Test("A port that is taken is named, and the start fails")
    func portTaken() throws {
        let server = try ScriptedServer(saying: "mine")
        let file = try Stage.current.file(
            "taken.cfg",
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(server.port)
                http-request return status 200

            """)
        let ended = try Portico.run("-db", "-f", file)
        #expect(ended.exit == .status(1))
        #expect((ended.errors + ended.output).contains("\(server.port)"))
    }
}
