// The flags of HAProxy's command line that init scripts pass, and the arguments that remain after them.

import Testing

@testable import portico

@Suite struct InheritedFlagsTests {
    private func refusal(_ arguments: String...) -> String? {
        do throws(InheritedFlags.Refusal) {
            _ = try InheritedFlags(arguments)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `a service file's flags are taken in silence`() throws {
        let flags = try InheritedFlags([
            "-Ws", "-W", "-S", "/run/master.sock,mode,600", "-dM", "-dM0x50,no-merge", "-dI", "-dR", "-dS", "-x",
            "/dev/null", "-f", "a.cfg",
            "-dW", "-p", "/run/x.pid",
        ])
        #expect(flags.rest == ["-f", "a.cfg", "-dW", "-p", "/run/x.pid"])
        #expect(flags.masterSockets == ["/run/master.sock,mode,600"])
        #expect(flags.finishing.isEmpty && flags.terminating.isEmpty && !flags.takesOver)
    }

    @Test func `the list of processes ends at the next flag, and may be empty`() throws {
        let flags = try InheritedFlags(["-D", "-sf", "12", "34", "-st", "56", "-f", "a.cfg"])
        #expect(flags.finishing == [12, 34] && flags.terminating == [56] && flags.takesOver)
        #expect(flags.rest == ["-D", "-f", "a.cfg"])
        let last = try InheritedFlags(["-f", "a.cfg", "-sf"])
        #expect(last.finishing.isEmpty && last.rest == ["-f", "a.cfg"])
        #expect(try InheritedFlags(["-sf", "12 34\n", "", "-D"]).finishing == [12, 34])
    }

    @Test func `what is another flag's value, or a file behind two dashes, is no flag`() throws {
        #expect(
            try InheritedFlags(["-f", "-W", "-cc", "-x", "--", "-sf", "1"]).rest == [
                "-f", "-W", "-cc", "-x", "--", "-sf", "1",
            ])
    }

    @Test(arguments: ["0", "-1", "x", "12x", "99999999999"])
    func `what is not a process ID is never signalled`(text: String) {
        let message = "-sf: '\(text)' is not a process ID"
        // A word that begins with a dash is the next flag.
        #expect(refusal("-sf", text) == (text == "-1" ? nil : message))
    }

    @Test(arguments: ["-dK", "-dKall", "-dL", "-dC", "-dA/tmp/libs.tar", "-dt"])
    func `what would print something that there is not is refused by name`(flag: String) {
        #expect(refusal(flag) == "\(flag) is known to HAProxy, but Portico does not do it yet")
    }

    @Test func `a value that is missing is missed`() {
        #expect(refusal("-x") == "-x lacks the path of a socket")
        #expect(refusal("-S") == "-S lacks an address")
    }
}
