// The binary under test, with the configuration of a scenario.
//
// PORTICO_BINARY in the environment selects the binary; by default it is the one built with the tests. Any
// program with HAProxy's command line and configuration works, to show where Portico differs.

import Foundation
import Glibc
import Testing

/// A running Portico.
final class Portico: Sendable {
    let process: Child

    /// Starts Portico with `configuration` and waits until it listens on all of `ports` (those that the test uses), and on all
    /// Unix-domain sockets in the configuration.
    ///
    /// `descriptors` limits how many files it may open.
    init(
        _ configuration: String, listeningOn ports: Int..., arguments: [String] = [], descriptors: Int? = nil,
        workingFolder: String = projectFolder
    ) throws {
        let stage = Stage.current
        let file = try stage.file("portico-\(UUID().uuidString.prefix(4)).cfg", configuration + "\n")
        var command = [Portico.binary, "-db", "-f", file] + arguments
        if let descriptors { command = ["prlimit", "--nofile=\(descriptors):\(descriptors)"] + command }
        let process = try Child(
            command, named: (file as NSString).lastPathComponent, in: stage.folder, workingFolder: workingFolder)
        self.process = process
        stage.atTheEnd { process.stop(patience: 1) }
        stage.inCaseOfFailure {
            "\(configuration)\n-- standard output\n\(process.output)-- standard error\n\(process.errors)"
        }
        // Unix-domain sockets are opened after ports.
        let sockets = configuration.matches(of: /(?:stats socket |unix@)(\/\S+)/).map { String($0.1) }
        let isReady = eventually {
            process.ended() != nil
                || ports.allSatisfy { isListening(on: $0) } && sockets.allSatisfy { isListening(at: $0) }
        }
        guard isReady, process.ended() == nil else {
            throw StageFault("Portico did not start; it said: \(process.errors)\(process.output)")
        }
    }

    /// The complete lines that it has logged on standard output so far.
    var logLines: [String] {
        process.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Waits for and returns the first log line that contains `text`.
    func logLine(with text: String, within seconds: Double = patience, _ place: SourceLocation = #_sourceLocation)
        throws
        -> String
    {
        var found: String?
        _ = eventually(within: seconds) {
            found = logLines.first { $0.contains(text) }
            return found != nil
        }
        return try #require(found, "no log line with \(text.debugDescription)", sourceLocation: place)
    }

    /// Waits for and parses the log line of the first exchange whose request line contains `text`.
    func exchange(with text: String, _ place: SourceLocation = #_sourceLocation) throws -> ExchangeLine {
        try exchange("with \(text.debugDescription)", place) { line in
            // The request line is the quoted part at the end.
            line.firstIndex(of: "\"").map { line[$0...].contains(text) } ?? false
        }
    }

    /// Waits for and parses the log line of the first exchange that ended with `status`.
    func exchange(status: Int, _ place: SourceLocation = #_sourceLocation) throws -> ExchangeLine {
        try exchange("of status \(status)", place) { line in
            line.contains(" \(status) ") && (try? ExchangeLine(line).status) == status
        }
    }

    private func exchange(
        _ what: String, _ place: SourceLocation, where isWanted: (String) -> Bool
    ) throws -> ExchangeLine {
        var found: String?
        _ = eventually {
            found = logLines.first(where: isWanted)
            return found != nil
        }
        return try ExchangeLine(#require(found, "no exchange \(what) in the log", sourceLocation: place))
    }

    // MARK: Running the program without a scenario

    static let binary: String =
        ProcessInfo.processInfo.environment["PORTICO_BINARY"]
        ?? (besideTheTests as NSString).appendingPathComponent("portico")

    private static let besideTheTests =
        ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) as NSString?)?
        .deletingLastPathComponent ?? "."

    /// Whether it is Portico itself, which has keywords that HAProxy does not have.
    static let isItself = (binary as NSString).lastPathComponent == "portico"

    /// Runs it with `arguments` until it ends.
    static func run(_ arguments: String..., workingFolder: String = projectFolder) throws -> Ended {
        try run(arguments, workingFolder: workingFolder)
    }

    static func run(_ arguments: [String], workingFolder: String = projectFolder) throws -> Ended {
        try play([binary] + arguments, workingFolder: workingFolder)
    }
}

/// A program's output and exit status.
struct Ended {
    let exit: Child.Exit?
    let output: String
    let errors: String
}

/// Runs a program, found in PATH, until it ends.
func play(_ command: [String], workingFolder: String = projectFolder, within seconds: Double = 120) throws -> Ended {
    let name = "program-\(UUID().uuidString.prefix(8))"
    let child = try Child(command, named: name, in: Stage.current.folder, workingFolder: workingFolder)
    Stage.current.atTheEnd { child.stop(patience: 0.5) }
    let exit = child.end(within: seconds)
    return Ended(exit: exit, output: child.output, errors: child.errors)
}

/// Whether any process of this machine listens on the TCP port, without connecting to it.
///
/// The tables also have a line for every recently closed connection, possibly thousands: they are
/// searched as bytes.
func isListening(on port: Int) -> Bool {
    let local = ":" + String(format: "%04X", port)
    return [("/proc/net/tcp", 8), ("/proc/net/tcp6", 32)].contains { path, digits in
        // No peer address, and the state "listening".
        let entry = "\(local) \(String(repeating: "0", count: digits)):0000 0A "
        // Its size is unknown until it has been read.
        guard let table = try? FileHandle(forReadingAtPath: path)?.readToEnd() else { return false }
        return table.range(of: Data(entry.utf8)) != nil
    }
}

/// Whether a process of this machine listens on the Unix-domain socket.
func isListening(at path: String) -> Bool {
    // Its size is unknown until it has been read. The flag is __SO_ACCEPTCON; HAProxy first binds another file next to it.
    guard let table = try? FileHandle(forReadingAtPath: "/proc/net/unix")?.readToEnd() else { return false }
    return String(decoding: table, as: UTF8.self).split(separator: "\n")
        .contains { $0.contains(" 00010000 ") && $0.contains(" \(path)") }
}

/// A parsed line of `option httplog`.
struct ExchangeLine {
    let line: String
    let client: String
    let frontend: String
    let backend: String
    let server: String
    /// TR, Tw, Tc, Tr, Ta in milliseconds; -1 for a phase that was not reached.
    let timers: [Int]
    let status: Int
    let bytes: Int
    let termination: String
    /// actconn, feconn, beconn, srv_conn, retries.
    let connections: [Int]
    /// Server queue and backend queue.
    let queues: [Int]
    let request: String

    init(_ line: String) throws {
        // Not stored globally: a Regex is not Sendable.
        let format =
            /(\S+:\d+) \[\d\d\/[A-Z][a-z][a-z]\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] (\S+) ([^\/ ]+)\/(\S+) (-?\d+)\/(-?\d+)\/(-?\d+)\/(-?\d+)\/\+?(-?\d+) (-?\d+) \+?(\d+) - - (\S{4}) (\d+)\/(\d+)\/(\d+)\/(\d+)\/\+?(\d+) (\d+)\/(\d+) "(.*)"/
        guard let match = line.firstMatch(of: format)?.output else {
            throw StageFault("not a line of option httplog: \(line)")
        }
        func number(_ text: Substring) -> Int { Int(text) ?? Int.min }
        self.line = line
        client = String(match.1)
        frontend = String(match.2)
        backend = String(match.3)
        server = String(match.4)
        timers = [match.5, match.6, match.7, match.8, match.9].map(number)
        status = number(match.10)
        bytes = number(match.11)
        termination = String(match.12)
        connections = [match.13, match.14, match.15, match.16, match.17].map(number)
        queues = [match.18, match.19].map(number)
        request = String(match.20)
    }
}
