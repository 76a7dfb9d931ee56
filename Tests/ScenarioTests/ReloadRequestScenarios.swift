// `portico reload`: which process is asked, how, and what its user is told.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct ReloadRequestScenarios {
    /// Runs `portico reload` with these arguments.
    private func reload(_ arguments: String...) throws -> (exit: Child.Exit?, said: String) {
        let child = try Child(
            [Portico.binary, "reload"] + arguments, named: "reload-\(UUID().uuidString.prefix(4))",
            in: Stage.current.folder)
        let exit = child.end()
        return (exit, child.output + child.errors)
    }

    private func configuration(_ global: String) -> String {
        """
        \(opening(global: global))
        frontend www
            bind 127.0.0.1:0
            http-request return status 204

        """
    }

    @Test("It asks at the first stats socket that allows it, and its exit status is the answer's")
    func answers() throws {
        let answer = Box("Success=1\n\n")
        let server = try ScriptedServer { connection, _ in
            #expect(try connection.receive(through: "\n") == "reload\n")
            try connection.send(answer.text)
        }
        let file = try Stage.current.file(
            "asked.cfg",
            configuration(
                """
                stats socket \(Stage.current.folder)/low level operator
                stats socket ipv4@127.0.0.1:\(server.port) level admin
                """))
        var result = try reload("-f", file)
        #expect(result == (.status(0), "Success=1\n"))
        answer.text = "Success=0\n--\nasked.cfg:3:5: error: no\n\n"
        result = try reload("-f", file)
        #expect(result == (.status(1), "Success=0\n--\nasked.cfg:3:5: error: no\n"))
        answer.text = "Unknown command\n\n"
        result = try reload("-f", file)
        #expect(result.exit == .status(1) && result.said.contains("answers: Unknown command"))
        server.stop()
        result = try reload("-f", file)
        #expect(result.exit == .status(1) && result.said.contains("cannot ask at the stats socket 127.0.0.1:"))
    }

    @Test("The command line of a process says its files and its master's socket")
    func processOfPIDFile() throws {
        let pidFile = Stage.current.folder + "/portico.pid"
        let master = Stage.current.folder + "/master"
        let port = try freePort()
        let text = configuration("").replacing("127.0.0.1:0", with: "127.0.0.1:\(port)")
        let portico = try Portico(text, listeningOn: port, arguments: ["-p", pidFile, "-S", master])
        #expect(eventually { isListening(at: master) })
        let result = try reload("-p", pidFile)
        #expect(result.said.hasPrefix("Success="), "\(result.said)")
        #expect(portico.process.ended() == nil)
    }

    @Test("Without a socket the files are checked first, and the process is signalled if they are right")
    func signals() throws {
        let (pidFile, port) = (Stage.current.folder + "/portico.pid", try freePort())
        let text = configuration("").replacing("127.0.0.1:0", with: "127.0.0.1:\(port)")
        let file = try Stage.current.file("signalled.cfg", text)
        let process = try Child(
            [Portico.binary, "-db", "-p", pidFile, "--", "signalled.cfg"], named: "signalled",
            in: Stage.current.folder, workingFolder: Stage.current.folder)
        Stage.current.atTheEnd { process.stop(patience: 1) }
        #expect(eventually { isListening(on: port) })

        let told = try reload("-p", pidFile)
        #expect(told.exit == .status(0) && told.said.contains("process \(process.pid) was told"), "\(told.said)")
        try text.replacing("bind", with: "bnid").write(toFile: file, atomically: true, encoding: .utf8)
        let refused = try reload("-p", pidFile)
        #expect(refused.exit == .status(1) && refused.said.contains("signalled.cfg:") && !refused.said.contains("told"))
        #expect(process.ended() == nil && isListening(on: port))
    }

    @Test("A number that is another program's is not signalled")
    func foreignProcess() throws {
        let other = try Child(["sleep", "60"], named: "other", in: Stage.current.folder)
        Stage.current.atTheEnd { other.stop() }
        let pidFile = try Stage.current.file("old.pid", "\(other.pid)\n")
        let file = try Stage.current.file("any.cfg", configuration(""))
        // Until setpriv has become the program.
        #expect(eventually { (try? String(contentsOfFile: "/proc/\(other.pid)/comm", encoding: .utf8)) == "sleep\n" })
        for result in [try reload("-p", pidFile), try reload("-p", pidFile, "-f", file)] {
            #expect(result.exit == .status(1) && result.said.contains("is no Portico"), "\(result.said)")
        }
        #expect(other.ended() == nil)
        let without = try reload("-f", file)
        #expect(without.exit == .status(1) && without.said.contains("-p <pidfile> says which process"))
        let nothing = try reload()
        #expect(nothing.exit == .status(1) && nothing.said.contains("which process?"))
    }

    /// What a server's thread reads while a test changes it.
    private final class Box: @unchecked Sendable {
        private let lock = NSLock()
        private var value: String
        init(_ text: String) { value = text }
        var text: String {
            get { lock.withLock { value } }
            set { lock.withLock { value = newValue } }
        }
    }
}
