// First steps: the files that come with the project work as described.

import Foundation
import Glibc
import Testing

@Suite(.staged) struct QuickstartScenarios {
    @Test("The example files are valid", .enabled(if: Portico.isItself), arguments: ["quickstart.cfg", "demo.cfg"])
    func examplesAreValid(name: String) throws {
        let checked = try Portico.run("-c", "-f", "conf/\(name)")
        #expect(checked.exit == .status(0), "\(checked.errors)")
        #expect((checked.output + checked.errors).contains("Configuration file is valid"))
    }

    @Test("The demo needs nothing but its file: three instances answer in turn")
    func demo() throws {
        var text = try String(contentsOfFile: projectFolder + "/conf/demo.cfg", encoding: .utf8)
        let ports = try [8080, 8404, 9001, 9002, 9003].map { ($0, try freePort()) }
        for (port, free) in ports { text = text.replacing("\(port)", with: "\(free)") }
        _ = try Portico(text, listeningOn: ports[0].1, ports[1].1, ports[2].1, ports[3].1, ports[4].1)

        let answers = try (1...6).map { _ in try fetch("/", from: ports[0].1).text }

        #expect(answers == [1, 2, 3, 1, 2, 3].map { "hello from instance \($0)\n" })
        #expect(try fetch("/", from: ports[1].1)["content-type"]?.hasPrefix("text/html") == true)
    }

    @Test(
        "The quickstart serves from five instances and from disk, and Ctrl-C leaves nothing behind",
        .enabled(if: Portico.isItself),
        .enabled("its ports are taken") { quickstartPorts.allSatisfy { !isListening(on: $0) } })
    func quickstart() throws {
        let script = try Child(["scripts/quickstart", Portico.binary], named: "quickstart", in: Stage.current.folder)
        Stage.current.atTheEnd { script.stop(patience: 10) }
        Stage.current.inCaseOfFailure { script.output + script.errors }
        #expect(eventually(within: 100) { quickstartPorts.allSatisfy { isListening(on: $0) } || script.ended() != nil })
        // The guide is printed once Portico listens.
        #expect(eventually { script.output.contains("Ctrl-C stops everything") })
        #expect(script.output.contains("http://localhost:8080/"))
        #expect(script.output.contains("curl"))

        let answers = try (1...10).map { _ in try fetch("/", from: 8080).text }
        for number in 1...5 { #expect(answers.filter { $0.contains("\"instance \(number)\"") }.count == 2) }
        #expect(try fetch("/static/", from: 8080).text.contains("<h1>"))
        #expect(try fetch("/static/style.css", from: 8080)["content-type"]?.hasPrefix("text/css") == true)
        #expect(try fetch("/", from: 8404).text.contains("app5"))

        // One instance is stuck when it is stopped.
        let stuck = try Connection(to: 8080)
        try stuck.send("GET /slow?seconds=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        script.signal(SIGINT)

        #expect(script.end() == .status(0))
        // Killed processes end shortly after.
        #expect(eventually { quickstartPorts.allSatisfy { !isListening(on: $0) } })
    }
}

private let quickstartPorts = [8080, 8404, 9001, 9002, 9003, 9004, 9005]
