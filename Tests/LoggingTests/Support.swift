// Shared by the tests of this module: parsing lines, receivers on loopback, and waiting with a deadline.

import Basics
import Configuration
import Foundation
import Glibc
import Logging
import Testing

/// Parses one line as in a configuration; throws its problem, returns its warnings.
@discardableResult
func read(_ line: String, into draft: inout Draft) throws -> [ConfigProblem] {
    var column = 1
    var words = line.split(separator: " ").map { part in
        defer { column += part.count + 1 }
        return Word(String(part), at: SourceRange(file: "test.cfg", line: 1, column: column, length: part.count))
    }
    let isNegated = words[0].text == "no"
    if isNegated { words.removeFirst() }
    let keyword = try #require(LoggingKeywords.table.first { $0.name == words[0].text })
    var arguments = Arguments(words: Array(words.dropFirst()), keyword: words[0], isNegated: isNegated)
    try keyword.parse(&arguments, &draft)
    #expect(arguments.isAtEnd, "words left over in '\(line)'")
    return arguments.warnings
}

func section(_ kind: SectionKind, _ lines: String...) throws -> LoggingSettings {
    var draft = Draft(kind: kind, name: "test", range: SourceRange(file: "test.cfg", line: 1))
    for line in lines { try read(line, into: &draft) }
    return draft[LoggingSettings.self]
}

/// The problem of a line that is rejected.
func problem(_ line: String, in kind: SectionKind = .frontend) throws -> ConfigProblem {
    var draft = Draft(kind: kind, name: "test", range: SourceRange(file: "test.cfg", line: 1))
    do {
        try read(line, into: &draft)
    } catch let problem as ConfigProblem {
        return problem
    }
    throw Unexpected(what: "'\(line)' was accepted")
}

struct Unexpected: Error { let what: String }

/// Longer than anything takes on a slow machine, except a failure.
let patience = TimeSpan.seconds(60)

/// Waits until `condition` holds, at most for `patience`.
func eventually(_ what: String, _ condition: () -> Bool) throws {
    let deadline = Instant.now() + patience
    while !condition() {
        guard Instant.now() < deadline else { throw Unexpected(what: "never came true: \(what)") }
        usleep(500)
    }
}

/// A datagram socket that collects what it receives.
final class Receiver {
    let descriptor: Int32
    let port: UInt16
    let path: String?

    /// On a free UDP port of 127.0.0.1.
    init() {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(unsafe bind(descriptor, $0, length) == 0)
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        path = nil
    }

    /// At a path where no file exists.
    init(path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(bound == 0, "cannot bind \(path): \(errno)")
        port = 0
        self.path = path
    }

    deinit {
        close(descriptor)
        if let path { unsafe unlink(path) }
    }

    /// The next datagram; nil if none arrives within `seconds`.
    func next(within seconds: Double = 60) -> String? {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&request, 1, Int32(seconds * 1_000)) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 70_000)
        let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
        return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
    }
}

/// A pipe, as standard output often is.
final class Pipe: @unchecked Sendable {
    let reading: Int32
    let writing: Int32
    private var isWritingOpen = true

    init() {
        var ends: [Int32] = [0, 0]
        precondition(unsafe pipe(&ends) == 0)
        reading = ends[0]
        writing = ends[1]
    }

    deinit {
        close(reading)
        finish()
    }

    func finish() {
        if isWritingOpen { close(writing) }
        isWritingOpen = false
    }

    /// Closes the writing end, and returns everything that has been written.
    func readToEnd() -> String {
        finish()
        return readToEndOnceClosed()
    }

    /// Returns everything written until another thread closes the writing end.
    func readToEndOnceClosed() -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(reading, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += chunk[..<count]
        }
    }
}

func temporaryPath() -> String { "/tmp/portico-log-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock" }
