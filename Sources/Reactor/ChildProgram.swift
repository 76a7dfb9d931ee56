// Programs that this process starts, and waits for without blocking.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// A program that was started, and has not been collected. It is alone in a process group.
public struct ChildProgram: Sendable {
    /// How a program has ended.
    public enum End: Sendable, Equatable {
        case exited(Int)
        case killed(signal: Int)
    }

    /// Its process.
    public let id: Int32
    /// Becomes readable when it has ended. The caller of `collect` closes it.
    public let socket: Socket

    /// Starts a program: with no descriptors but its standard ones, which lead nowhere, with the default signals, and in the root directory
    /// of the threads that clients can reach.
    /// - Parameters:
    ///   - path: of its file; nothing is looked up.
    ///   - arguments: behind its name, which is the path.
    ///   - environment: `NAME=value`.
    public static func start(
        _ path: String, _ arguments: [String], environment: [String]
    ) throws(Errno) -> ChildProgram {
        let words = unsafe ([path] + arguments).map { unsafe copy($0) } + [nil]
        let variables = unsafe environment.map { unsafe copy($0) } + [nil]
        let copies = unsafe words + variables
        defer { unsafe copies.forEach { unsafe free($0) } }
        var id: Int32 = 0
        var descriptor: Int32 = -1
        let failure = Confinement.inside {
            path.withVerbatimCString { unsafe clinux_start_program($0, words, variables, &id, &descriptor) }
        }
        guard failure == 0 else { throw Errno(rawValue: failure) }
        return ChildProgram(id: id, socket: Socket(descriptor))
    }

    private static func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        text.withVerbatimCString { unsafe strdup($0) }
    }

    /// Ends it now, and whatever it has started in its group.
    public func end() { kill(-id, SIGKILL) }

    /// How it has ended; nil while it runs. Once it has an answer it is forgotten, and not asked again.
    public func collect() -> End? {
        var code: Int32 = 0
        switch unsafe clinux_collect_program(id, &code) {
        case 0: return nil
        case 1: return .exited(Int(code))
        default: return .killed(signal: Int(code))
        }
    }
}
