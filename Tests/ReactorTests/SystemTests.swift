// Threads, signals, files and limits of this process.

import Basics
import Foundation
import Glibc
import Reactor
import SystemPackage
import Testing

@Suite struct ThreadTests {
    @Test func `a thread runs once under its name, and is waited for`() {
        let name = Box("")
        let thread = Reactor.Thread(name: "a-name-of-more-than-15") {
            name.value = SystemFile.read("/proc/thread-self/comm") ?? ""
        }
        thread.join()
        #expect(name.value == "a-name-of-more-\n", "15 bytes of it")
    }

    @Test func `a thread that has ended leaves no memory behind`() async {
        // In a process of its own, in which nothing else takes memory.
        await #expect(processExitsWith: .exitCode(0)) {
            func dataPages() -> Int { Int(SystemFile.read("/proc/self/statm")?.split(separator: " ")[5] ?? "") ?? 0 }
            for _ in 0..<8 { Reactor.Thread(name: "first") {}.join() }
            let before = dataPages()
            for _ in 0..<200 { Reactor.Thread(name: "other") {}.join() }
            // A signal stack takes 16 pages.
            exit(before > 0 && dataPages() - before < 800 ? 0 : 1)
        }
    }

    @Test func `signals are not a thread's business`() {
        let blocked = Box(false)
        Reactor.Thread(name: "mask") {
            var mask = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            blocked.value = unsafe sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1
        }.join()
        #expect(blocked.value)
    }

    @Test func `there is at least one processor`() {
        #expect(Reactor.Thread.processorCount >= 1)
    }

    /// Written by one thread and read after it has been joined.
    private final class Box<Value>: @unchecked Sendable {
        var value: Value
        init(_ value: Value) { self.value = value }
    }
}

@Suite struct SignalSourceTests {
    @Test func `a signal is read instead of interrupting`() async {
        // In a process of its own, because the signal mask belongs to the thread.
        await #expect(processExitsWith: .exitCode(7)) {
            let source = SignalSource([SIGUSR1, SIGTERM])
            if source.next() != nil { exit(1) }
            raise(SIGTERM)
            let kernel = try LinuxKernel()
            kernel.watch(source.socket, for: .reading, token: 1)
            var events: [Event] = []
            kernel.wait(until: .never, into: &events)
            if events.map(\.token) != [1] { exit(2) }
            if source.next() != SIGTERM { exit(3) }
            exit(source.next() == nil ? 7 : 4)
        }
    }
}

@Suite struct SystemProcessTests {
    @Test func `a limit beyond the system's is raised as far as it goes`() async {
        // Regression: the limit stayed as low as it was.
        await #expect(processExitsWith: .success) {
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limit = rlimit()
            unsafe getrlimit(resource, &limit)
            limit.rlim_max = min(limit.rlim_max, 2_000)
            limit.rlim_cur = 100
            unsafe setrlimit(resource, &limit)
            // Above any fs.nr_open.
            if SystemProcess.raiseDescriptorLimit(to: 2_000_000_000) != Int(limit.rlim_max) { exit(1) }
            if SystemProcess.raiseDescriptorLimit(to: 200) != 200 { exit(2) }
            exit(SystemProcess.raiseDescriptorLimit() == Int(limit.rlim_max) ? 0 : 3)
        }
    }

    @Test func `a pid file holds this process, is gone afterwards, and cannot be where no folder is`() throws {
        let folder = try Folder()
        let path = folder.path + "/pid"
        try "something older and longer\n".write(toFile: path, atomically: false, encoding: .utf8)
        let file = try PIDFile(path)
        #expect(SystemFile.read(path) == "\(SystemProcess.id)\n")
        file.remove()
        #expect(SystemFile.read(path) == nil)
        #expect(throws: Errno.noSuchFileOrDirectory) { try PIDFile(folder.path + "/none/pid") }
    }

    @Test func `of a big file the first 64 KiB are read`() throws {
        let folder = try Folder()
        try Data(repeating: 0x61, count: 100_000).write(to: URL(filePath: folder.path + "/big"))
        #expect(SystemFile.read(folder.path + "/big")?.utf8.count == 65_536)
    }

    @Test func `the process knows itself`() {
        #expect(SystemProcess.id == Int(getpid()))
        #expect(SystemProcess.hostName == ProcessInfo.processInfo.hostName || !SystemProcess.hostName.isEmpty)
        #expect(SystemProcess.environment["PATH"] == ProcessInfo.processInfo.environment["PATH"])
    }

    @Test func `users and groups by name`() {
        #expect(UserDatabase.userID("root") == 0 && UserDatabase.primaryGroupID(ofUser: "root") == 0)
        #expect(UserDatabase.groupID("root") == 0)
        #expect(UserDatabase.userID("no-such-user") == nil && UserDatabase.groupID("no-such-group") == nil)
        #expect(UserDatabase.primaryGroupID(ofUser: "no-such-user") == nil)
    }
}
