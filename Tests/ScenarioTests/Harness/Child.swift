// A program that a scenario starts, identified and ended by its process ID.
//
// The kernel also ends it if the tests end first: each child asks to be killed together with the thread that started it,
// and a single thread, which lives as long as the tests, starts all of them.

import Foundation
import Glibc
import Synchronization

/// The number of files that a process has open.
func descriptors(of pid: Int32) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
}

final class Child: Sendable {
    enum Exit: Equatable { case status(Int32), signal(Int32) }

    let pid: pid_t
    let outputPath: String
    let errorPath: String
    private let exit = Mutex<Exit?>(nil)

    /// Starts `arguments[0]`, found in PATH, in the project's folder. Its output goes to files in `folder`; it inherits
    /// `descriptors` by number.
    init(
        _ arguments: [String], named name: String, in folder: String, workingFolder: String = projectFolder,
        environment: [String: String] = [:], descriptors: [Int32] = []
    ) throws {
        outputPath = "\(folder)/\(name).out"
        errorPath = "\(folder)/\(name).err"
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        pid = try Spawner.shared.spawn(
            ["setpriv", "--pdeathsig", "KILL", "env", "--chdir=\(workingFolder)"] + arguments,
            variables: variables.map { "\($0)=\($1)" }, descriptors: descriptors, outputPath: outputPath,
            errorPath: errorPath)
    }

    /// Runs `action` while no program is being started. A program that is has a copy of each descriptor, at least until it
    /// executes: a descriptor closed meanwhile stays open for that long.
    static func whileNoneStarts<R: Sendable>(_ action: () throws -> R) rethrows -> R {
        try Spawner.shared.starting.withLock { _ in try action() }
    }

    /// All its output so far.
    var output: String { Self.text(of: outputPath) }
    var errors: String { Self.text(of: errorPath) }

    func signal(_ number: Int32) {
        guard ended() == nil else { return }
        kill(pid, number)
    }

    /// How it ended; nil while it runs.
    func ended() -> Exit? {
        exit.withLock { exit in
            if exit == nil {
                var status: Int32 = 0
                if unsafe waitpid(pid, &status, WNOHANG) == pid {
                    exit = status & 0x7f == 0 ? .status(status >> 8 & 0xff) : .signal(status & 0x7f)
                }
            }
            return exit
        }
    }

    /// How it ended; nil if it still runs after `seconds`.
    func end(within seconds: Double = patience) -> Exit? {
        _ = eventually(within: seconds) { ended() != nil }
        return ended()
    }

    /// Asks it to stop, kills it after `patience` seconds, and returns when it has ended.
    func stop(patience: Double = 2) {
        signal(SIGTERM)
        if end(within: patience) == nil {
            signal(SIGKILL)
            _ = end()
        }
    }

    private static func text(of path: String) -> String {
        // Show output that is not UTF-8 as well.
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// The thread that starts processes.
private final class Spawner: Sendable {
    static let shared = Spawner()

    /// Held while a program is being started.
    let starting = Mutex(())
    private let requests = Mutex<[@Sendable () -> Void]>([])
    private let work = DispatchSemaphore(value: 0)

    private init() {
        let thread = Thread { [self] in
            while true {
                work.wait()
                requests.withLock { $0.removeFirst() }()
            }
        }
        thread.start()
    }

    func spawn(
        _ arguments: [String], variables: [String], descriptors: [Int32], outputPath: String, errorPath: String
    ) throws -> pid_t {
        let result = Mutex<(pid: pid_t, error: Int32)>((0, 0))
        let done = DispatchSemaphore(value: 0)
        let request: @Sendable () -> Void = {
            let outcome = Self.posixSpawn(
                arguments, variables: variables, descriptors: descriptors, outputPath: outputPath, errorPath: errorPath)
            result.withLock { $0 = outcome }
            done.signal()
        }
        requests.withLock { $0.append(request) }
        work.signal()
        done.wait()
        let (pid, error) = result.withLock { $0 }
        guard error == 0 else { throw StageFault("cannot start \(arguments): \(errorText(error))") }
        return pid
    }

    private static func posixSpawn(
        _ arguments: [String], variables: [String], descriptors: [Int32], outputPath: String, errorPath: String
    ) -> (pid: pid_t, error: Int32) {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var envp = unsafe variables.map { unsafe strdup($0) } + [nil]
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
            unsafe argv.forEach { unsafe free($0) }
            unsafe envp.forEach { unsafe free($0) }
        }
        let writing = O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, outputPath, writing, 0o644)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errorPath, writing, 0o644)
        // The test runner leaves descriptors of its own open, a dozen sockets; tests that count descriptors would count them too.
        for descriptor in Int32(3)..<256 where !descriptors.contains(descriptor) {
            unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        // A copy of the descriptor itself would stay open in the child.
        for descriptor in descriptors { unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor) }
        // A session of its own: a Ctrl-C in the terminal ends the tests, which then end the child. Signals that
        // the test runner blocks or ignores must be delivered.
        var all = sigset_t()
        var none = sigset_t()
        unsafe sigfillset(&all)
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        let newSession: Int16 = 0x80  // POSIX_SPAWN_SETSID, which the overlay does not declare
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) | newSession)
        var pid: pid_t = 0
        return shared.starting.withLock { _ in
            let error = unsafe posix_spawnp(&pid, arguments[0], &actions, &attributes, &argv, &envp)
            return (pid, error)
        }
    }
}
