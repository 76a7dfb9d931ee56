// Programs that are started: how they end, what they inherit, and that they can be ended.

import Basics
import SystemPackage
import Testing

@testable import Reactor

@Suite struct ChildProgramTests {
    /// Waits until the program has ended.
    private func end(of child: ChildProgram) throws -> ChildProgram.End {
        let kernel = try LinuxKernel()
        defer { kernel.close(child.socket, reset: false) }
        #expect(kernel.watch(child.socket, for: .accepting, token: 1) == nil)
        var events: [Event] = []
        let limit = kernel.now + .seconds(60)
        while kernel.now < limit {
            kernel.wait(until: limit, into: &events)
            if let end = child.collect() { return end }
        }
        throw Errno.timedOut
    }

    private func shell(_ script: String, environment: [String] = []) throws -> ChildProgram {
        try ChildProgram.start("/bin/sh", ["-c", script], environment: environment)
    }

    @Test(arguments: [(0, "true"), (1, "false"), (7, "exit 7")]) func `its exit code`(_ code: Int, _ script: String)
        throws
    {
        #expect(try end(of: shell(script)) == .exited(code))
    }

    @Test func `its arguments and its environment are what it was given, and no more`() throws {
        #expect(try end(of: shell(#"test "$A" = "b c" && test -z "$HOME""#, environment: ["A=b c"])) == .exited(0))
        let child = try ChildProgram.start("/bin/sh", ["-c", #"test "$1" = "x y""#, "name", "x y"], environment: [])
        #expect(try end(of: child) == .exited(0))
    }

    @Test func `it inherits no descriptor but its standard ones, which lead nowhere`() throws {
        // One is open for the listing itself.
        let script = #"test "$(ls /proc/self/fd | wc -l)" -le 4 && test "$(readlink /proc/self/fd/2)" = /dev/null"#
        #expect(try end(of: shell(script, environment: ["PATH=/usr/bin:/bin"])) == .exited(0))
    }

    @Test func `it runs until it is ended, with what it has started`() throws {
        let child = try shell("sleep 600 & sleep 600; true", environment: ["PATH=/usr/bin:/bin"])
        #expect(child.collect() == nil)
        child.end()
        #expect(try end(of: child) == .killed(signal: 9))
    }

    @Test func `one that is not there is not started`() {
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try ChildProgram.start("/nonexistent/program", [], environment: [])
        }
        #expect(throws: Errno.permissionDenied) { try ChildProgram.start("/etc/passwd", [], environment: []) }
    }
}
