// The environment of a scenario: a folder of its own, free ports, and the list of clean-up actions.
//
// `@Suite(.staged)` gives every test of a suite a stage and cleans it up however the test ends. A failed
// test prints the output of its programs. Only a few tests run at once, so that two processors suffice
// for their time limits to be meaningful.

import Foundation
import Glibc
import Synchronization
import Testing

final class Stage: Sendable {
    @TaskLocal private static var now: Stage?

    /// The stage of the current test.
    static var current: Stage {
        guard let stage = now else { preconditionFailure("a scenario belongs in a suite that says .staged") }
        return stage
    }

    /// A folder for the test's files, removed afterwards.
    let folder: String
    private let state = Mutex(State())

    private struct State {
        var atTheEnd: [@Sendable () -> Void] = []
        var inCaseOfFailure: [@Sendable () -> String] = []
        var hasFailed = false
    }

    private init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/scenario-\(getpid())-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Runs `action` at the end of the test, in reverse order of registration.
    func atTheEnd(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.atTheEnd.append(action) }
    }

    /// Adds to the output of a failed test.
    func inCaseOfFailure(_ report: @escaping @Sendable () -> String) {
        state.withLock { $0.inCaseOfFailure.append(report) }
    }

    /// Writes a file into the stage's folder and returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        try file(name, bytes: Array(text.utf8))
    }

    func file(_ name: String, bytes: [UInt8]) throws -> String {
        let path = folder + "/" + name
        let parent = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    fileprivate static func perform(_ test: Test, _ function: @Sendable () async throws -> Void) async throws {
        let stage = try Stage()
        let watch = IssueHandlingTrait.compactMapIssues { issue in
            stage.state.withLock { $0.hasFailed = true }
            return issue
        }
        do {
            try await $now.withValue(stage) {
                try await watch.provideScope(for: test, testCase: nil, performing: function)
            }
            stage.clear(test)
        } catch {
            stage.state.withLock { $0.hasFailed = true }
            stage.clear(test)
            throw error
        }
    }

    private func clear(_ test: Test) {
        let state = state.withLock { $0 }
        // An action may run a program, which needs the stage.
        Self.$now.withValue(self) { for action in state.atTheEnd.reversed() { action() } }
        if state.hasFailed {
            let report = state.inCaseOfFailure.map { $0() }.joined()
            FileHandle.standardError.write(Data("---- \(test.name)\n\(report)".utf8))
        }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Gives each test of a suite a stage.
struct StagedTrait: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Door.shared.enter()
        do {
            try await Stage.perform(test, function)
            await Door.shared.leave()
        } catch {
            await Door.shared.leave()
            throw error
        }
    }
}

extension Trait where Self == StagedTrait {
    static var staged: Self { Self() }
}

/// Admits a few tests at a time; the others wait without blocking a thread.
private actor Door {
    static let shared = Door()

    private var free = max(2, min(8, ProcessInfo.processInfo.activeProcessorCount))
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async throws {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}

/// The folder of the project.
let projectFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path

/// Seconds for something that must happen: many times what it needs, so that no test fails on a slow machine, and less
/// than the time-outs of Portico that scenarios do not set themselves (`opening`), so that none of those can replace it.
let patience = 30.0

/// Waits until `condition` holds, at most `seconds`. Returns whether it holds.
func eventually(within seconds: Double = patience, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline(in: seconds)
    while true {
        if try condition() { return true }
        if deadline.hasPassed { return false }
        usleep(5_000)
    }
}

/// A deadline.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(in seconds: Double) {
        end = .now + .microseconds(Int64(seconds * 1_000_000))
    }

    var hasPassed: Bool { .now >= end }

    /// The remaining time, for poll(2).
    var milliseconds: Int32 {
        let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
        return Int32(max(0, left.rounded(.up)))
    }
}

/// A failure of the test itself, not of what it tests.
struct StageFault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
