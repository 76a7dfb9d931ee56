// What the system tells of another process, and what that can be asked for by a signal.

internal import Glibc
public import SystemPackage

/// A process that was started earlier, by its ID.
public struct OtherProcess: Sendable {
    public let id: Int32

    /// - Parameter path: of a PID file. Nil if there is no such file, or no process ID in it.
    public init?(pidFile path: String) {
        let line = SystemFile.read(path)?.split(whereSeparator: \.isNewline).first
        // kill(2) interprets 0 and negative numbers as process groups, including this process.
        guard let id = line.flatMap({ Int32($0.filter { !$0.isWhitespace }) }), id > 0 else { return nil }
        self.id = id
    }

    /// Whether it runs a program of the same name as this process. A PID file may be old, and its number another program's by now.
    public var runsThisProgram: Bool {
        let name = SystemFile.read("/proc/\(id)/comm")
        return name != nil && name == SystemFile.read("/proc/self/comm")
    }

    /// The words that it was started with, without the program's name; nil if there is no such process.
    public var arguments: [String]? {
        SystemFile.read("/proc/\(id)/cmdline").map { text in
            text.split(separator: "\0", omittingEmptySubsequences: false).dropFirst().dropLast().map(String.init)
        }
    }

    /// Makes its current directory that of this process, so that relative paths mean the same.
    public func enterDirectory() throws(Errno) { try SystemProcess.changeDirectory("/proc/\(id)/cwd") }

    /// Has it read its configuration again.
    ///
    /// - Throws: the errno: there is no such process by now, or it is another user's.
    public func requestReload() throws(Errno) {
        guard kill(id, SIGUSR2) == 0 else { throw Errno.last }
    }
}
