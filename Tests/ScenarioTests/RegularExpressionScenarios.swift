// Regular expressions that exceed their limits: a client may affect how long they take, not the result.

import Foundation
import Testing

@Suite(.staged) struct RegularExpressionScenarios {
    private static let padding = String(repeating: "select+from+", count: 900)

    @Test("Padding does not lead past a deny, and the log names the rule", .enabled(if: Portico.isItself))
    func padding() throws {
        let server = try ScriptedServer(saying: "hello")
        let socket = Stage.current.folder + "/admin.sock"
        let front = try FrontDoor(
            before: server.port, global: "stats socket \(socket) mode 600 level admin\n    tune.regex.max-steps 20000",
            frontend:
                "http-request deny if { url_param(q),url_dec -m reg -i '(union|select|insert).*(from|into).*(where|values)' }"
        )

        #expect(try fetch("/?q=select+from+where", from: front.port).status == 403)
        #expect(try fetch("/?q=select+from", from: front.port).status == 200)
        for _ in 0..<20 {
            #expect(try fetch("/?q=\(Self.padding)%0aselect+x+from+y+where", from: front.port).status == 403)
        }
        #expect(server.requests.count == 1)

        let line = try front.portico.logLine(with: "tune.regex.max-steps")
        #expect(line.contains(".cfg:") && line.contains("came to no result within 20000 steps"))
        #expect(eventually { (try? ask(socket, "show info"))?.contains("RegexUndecided: 20\n") == true })
        // All twenty are counted; one line is logged per ten seconds.
        let lines = front.portico.logLines.count { $0.contains("tune.regex.max-steps") }
        #expect((1...4).contains(lines))
    }

    @Test("A field that a rule could not rewrite does not pass", .enabled(if: Portico.isItself))
    func rewriting() throws {
        let server = try ScriptedServer(saying: "hello")
        let front = try FrontDoor(
            before: server.port, global: "tune.regex.max-steps 1000",
            frontend: "http-request replace-header X-Who '^(a+)+$' nobody")
        #expect(try fetch("/", from: front.port, headers: "X-Who: aaa").status == 200)
        #expect(server.requests.last?["x-who"] == "nobody")
        let long = String(repeating: "a", count: 100) + "!"
        #expect(try fetch("/", from: front.port, headers: "X-Who: \(long)").status == 500)
        #expect(server.requests.count == 1)
    }
}
