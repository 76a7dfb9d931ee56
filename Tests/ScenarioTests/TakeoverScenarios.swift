// Replacing a process: flags of init scripts, the end of the predecessor, and inherited sockets.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct TakeoverScenarios {
    /// A configuration that responds with its name.
    private func site(_ name: String, on port: Int, global: String = "") -> String {
        """
        \(opening(global: global))
        frontend www
            bind 127.0.0.1:\(port)
            http-request return status 200 content-type text/plain string "\(name)"
        """
    }

    @Test(
        "-sf: the old process ends softly once the new one listens, and the new one's files stay",
        arguments: ["-sf", "-st"])
    func successor(flag: String) throws {
        let port = try freePort()
        let (socket, pidFile) = (Stage.current.folder + "/run.sock", Stage.current.folder + "/run.pid")
        let global = "stats socket \(socket) level admin"
        let old = try Portico(site("old", on: port, global: global), listeningOn: port, arguments: ["-p", pidFile])
        #expect(try fetch("/", from: port).text == "old")

        let new = try Portico(
            site("new", on: port, global: global), listeningOn: port,
            arguments: ["-p", pidFile, flag, "\(old.process.pid)"])

        let exit = try #require(old.process.end())
        #expect(exit == .status(0) || flag == "-st" && exit == .signal(SIGTERM) || exit == .status(128 + SIGTERM))
        #expect(try fetch("/", from: port).text == "new")
        let number = try String(contentsOfFile: pidFile, encoding: .utf8)
        #expect(number == "\(new.process.pid)\n")
        #expect(isListening(at: socket))
        let answer = try Connection(toUnixSocket: socket)
        try answer.send("show info\n")
        #expect(String(decoding: try answer.receiveAll(), as: UTF8.self).contains("Pid: \(new.process.pid)"))
    }

    @Test("A predecessor that is in the way gives its addresses up, and takes them back if the start fails")
    func predecessorInTheWay() throws {
        let port = try freePort()
        let server = try ScriptedServer(saying: "taken")
        // Abstract sockets cannot be shared.
        let bind = "bind abns@portico-takeover-\(port)"
        let old = try Portico(site("old", on: port) + "\n    \(bind)", listeningOn: port)
        let file = try Stage.current.file(
            "fails.cfg", site("new", on: port) + "\n    \(bind)\n    bind 127.0.0.1:\(server.port)\n")

        let failed = try Portico.run("-db", "-f", file, "-sf", "\(old.process.pid)")

        #expect(failed.exit == .status(1))
        _ = try old.logLine(with: "Resumed")
        #expect(eventually { (try? fetch("/", from: port).text) == "old" })
        #expect(old.process.ended() == nil)
    }

    @Test("Flags of service files change nothing for one process, and bring no warning under -dW")
    func serviceFlags() throws {
        let port = try freePort()
        let portico = try Portico(
            site("hello", on: port), listeningOn: port,
            arguments: ["-dM", "-dI", "-dW", "-dR", "-dS", "-x", "/dev/null"])
        #expect(try fetch("/", from: port).text == "hello")
        #expect(!portico.process.errors.contains("[WARNING]"))
    }

    @Test("The service manager is told once it serves, and the master's socket answers for the one process")
    func serviceManager() throws {
        let port = try freePort()
        let (notify, master) = (Stage.current.folder + "/notify", Stage.current.folder + "/master")
        let manager = try DatagramReceiver(.unix(notify))
        let file = try Stage.current.file("managed.cfg", site("managed", on: port) + "\n")
        let process = try Child(
            [Portico.binary, "-Ws", "-S", master, "-f", file], named: "managed", in: Stage.current.folder,
            environment: ["NOTIFY_SOCKET": notify])
        Stage.current.atTheEnd { process.stop(patience: 1) }

        let said = try manager.receive { $0.contains("READY=1") }
        #expect(said.contains("MAINPID=\(process.pid)\n"))
        #expect(try fetch("/", from: port).text == "managed")
        let commands = try Connection(toUnixSocket: master)
        try commands.send("@1 show info\n")
        #expect(String(decoding: try commands.receiveAll(), as: UTF8.self).contains("\nProcess_num: 1\n"))
        let experts = try Connection(toUnixSocket: master)
        try experts.send("@1; expert-mode on; debug dev log Victory\n")
        _ = try experts.receiveAll()
        #expect(eventually { process.output.contains("Victory\n") })
        process.signal(SIGTERM)
        #expect(process.end() == .status(128 + SIGTERM))
        _ = try manager.receive { $0.contains("STOPPING=1") }
    }

    @Test("Sockets that the process was started with serve clients and runtime commands")
    func inheritedSockets() throws {
        let (www, runtime) = (try freePort(), try freePort())
        let descriptors = try [www, runtime].map { port in
            let descriptor = try Endpoint.ipv4(port).socket(SOCK_STREAM)
            var yes: Int32 = 1
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
            try #require(Endpoint.ipv4(port).bind(descriptor))
            try #require(listen(descriptor, 10) == 0)
            return descriptor
        }
        let file = try Stage.current.file(
            "inherited.cfg",
            """
            global
                thread-groups 1
            global
                stats socket "fd@${runtime}" level admin
            \(opening())
            frontend www
                bind "fd@${www}"
                http-request return status 200 content-type text/plain string "inherited"

            """)
        let process = try Child(
            [Portico.binary, "-d", "-dM", "-dI", "-dW", "-f", file], named: "inherited", in: Stage.current.folder,
            environment: ["www": "\(descriptors[0])", "runtime": "\(descriptors[1])"], descriptors: descriptors)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        for descriptor in descriptors { _ = Child.whileNoneStarts { Glibc.close(descriptor) } }

        #expect(try fetch("/", from: www).text == "inherited")
        let commands = try Connection(to: runtime)
        try commands.send("show info\n")
        #expect(String(decoding: try commands.receiveAll(), as: UTF8.self).contains("Pid: "))
        process.signal(SIGINT)
        #expect(process.end() != nil)
    }

    /// Starts Portico as a service manager does that has opened `sockets` for it, which become its descriptors from 3 on.
    private func activated(
        _ configuration: String, sockets: [Int32], named name: String, variables: String = "LISTEN_PID=$$"
    ) throws -> Child {
        let file = try Stage.current.file("\(name).cfg", configuration + "\n")
        // Above those that they become.
        let given = sockets.map { fcntl($0, F_DUPFD_CLOEXEC, 100) }
        let moves = given.enumerated().map { "\(3 + $0.offset)<&\($0.element)" }.joined(separator: " ")
        let script = "\(variables) LISTEN_FDS=\(sockets.count) exec \"$@\" \(moves)"
        let process = try Child(
            ["bash", "-c", script, "start", Portico.binary, "-db", "-f", file], named: name, in: Stage.current.folder,
            descriptors: given)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        for descriptor in given { _ = Child.whileNoneStarts { Glibc.close(descriptor) } }
        return process
    }

    private func listener(at endpoint: Endpoint) throws -> Int32 {
        let descriptor = try endpoint.socket(SOCK_STREAM)
        Stage.current.atTheEnd { _ = Child.whileNoneStarts { Glibc.close(descriptor) } }
        var yes: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        try #require(endpoint.bind(descriptor))
        try #require(listen(descriptor, 10) == 0)
        return descriptor
    }

    @Test(
        "A service manager's sockets serve the lines with their addresses, and keep their clients over a restart",
        .enabled(if: Portico.isItself))
    func socketActivation() throws {
        let (port, unused) = (try freePort(), try freePort())
        let (web, runtime) = (Stage.current.folder + "/web.sock", Stage.current.folder + "/run.sock")
        let sockets = try [Endpoint.ipv4(unused), .ipv4(port), .unix(web), .unix(runtime)].map(listener)
        let global = "stats socket \(runtime) level admin\nnbthread 2"
        let configuration = site("activated", on: port, global: global) + "\n    bind unix@\(web)"
        for start in 1...2 {
            // It waits until it is accepted.
            let early = try Connection(to: port)
            try early.send("GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
            let process = try activated(configuration, sockets: sockets, named: "activated-\(start)")
            #expect(try early.receiveAnswer().text == "activated")
            for _ in 1...10 {
                #expect(try fetch("/", from: port).text == "activated")
                #expect(try Connection(toUnixSocket: web).fetch("/").text == "activated")
            }
            let commands = try Connection(toUnixSocket: runtime)
            try commands.send("show info\n")
            #expect(String(decoding: try commands.receiveAll(), as: UTF8.self).contains("Pid: \(process.pid)"))
            #expect(process.errors.contains("no line listens on 127.0.0.1:\(unused)"))
            #expect(!process.errors.contains("no line listens on 127.0.0.1:\(port)"))

            process.signal(start == 1 ? SIGUSR1 : SIGTERM)
            #expect(process.end() != nil)
            #expect(isListening(on: port) && isListening(at: web) && isListening(at: runtime))
        }
        #expect(FileManager.default.fileExists(atPath: web))
    }

    @Test(
        "Sockets for another process, and those that lines name by number, are left alone",
        .enabled(if: Portico.isItself))
    func socketsOfOthers() throws {
        let (port, own) = (try freePort(), try freePort())
        let given = try listener(at: .ipv4(port))
        let foreign = try activated(
            site("foreign", on: own), sockets: [given], named: "foreign", variables: "LISTEN_PID=1")
        #expect(eventually { isListening(on: own) })
        #expect(!foreign.errors.contains("LISTEN_FDS"))
        foreign.signal(SIGTERM)
        #expect(foreign.end() != nil)

        let named = try activated(
            """
            \(opening())
            frontend www
                bind fd@3
                http-request return status 200 content-type text/plain string "named"
            """, sockets: [given], named: "named")
        #expect(try fetch("/", from: port).text == "named")
        #expect(!named.errors.contains("LISTEN_FDS"))
    }

    @Test("A descriptor that the process was not started with is named", .enabled(if: Portico.isItself))
    func missingDescriptor() throws {
        for line in ["frontend a\n    bind fd@970\n    http-request return", "global\n    stats socket fd@971"] {
            let file = try Stage.current.file(
                "missing.cfg", "\(opening())\n\(line)\nlisten b\n    bind 127.0.0.1:\(freePort())\n")
            let ended = try Portico.run("-db", "-f", file)
            #expect(ended.exit == .status(1))
            #expect(ended.errors.contains("this process was started without such a descriptor"))
        }
    }
}
