// The real program runs a file that uses all of its keywords.

import Configuration
import Foundation
import Glibc
import Testing

@Suite struct RunningTests {
    /// Examples that change the process itself or its output, need privileges that a test may not have, or allow fewer open
    /// files than several hundred sections need.
    private static let excluded: Set<String> = [
        "bind interface", "bind transparent", "chroot", "daemon", "gid", "group", "pidfile", "quiet", "resetenv", "uid",
        "ulimit-n",
        "user", "zero-warning",
    ]

    private static let binary =
        ProcessInfo.processInfo.environment["PORTICO_BINARY"]
        ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path + "/portico"

    @Test(.enabled(if: binary.hasSuffix("portico"), "another program plays"))
    func `A configuration of one of each word runs`() throws {
        let surroundings = try Surroundings()
        defer { withExtendedLifetime(surroundings) {} }
        let examples = LanguageTests.placedExamples.filter { entry in
            !Self.excluded.contains(entry.example.row) || entry.section == .userlist
        }
        var ports = FreePorts()
        let lines = try Site.lines(of: examples) { try ports.next() }
        #expect(lines.count > 300)
        let front = try #require(lines.firstIndex(of: "frontend front"))
        let address = try #require(lines[front + 1].firstMatch(of: /:(\d+)/))
        let port = try #require(UInt16(address.1))
        let file = surroundings.folder.appending(path: "everything.cfg")
        try lines.joined(separator: "\n").appending("\n").write(to: file, atomically: true, encoding: .utf8)
        ports.release()

        let process = Process()
        process.executableURL = URL(filePath: Self.binary)
        process.arguments = ["-db", "-f", file.path]
        process.environment = surroundings.environment
        let said = surroundings.folder.appending(path: "said.txt")
        #expect(FileManager.default.createFile(atPath: said.path, contents: nil))
        let output = try FileHandle(forWritingTo: said)
        process.standardError = output
        process.standardOutput = output
        try process.run()
        defer { process.terminate() }

        let deadline = Date.now.addingTimeInterval(60)
        while process.isRunning, Date.now < deadline, !FreePorts.isListening(port) { usleep(20_000) }
        var words = try String(contentsOf: said, encoding: .utf8)
        #expect(process.isRunning && FreePorts.isListening(port), "\(words)")
        process.terminate()
        process.waitUntilExit()
        words = try String(contentsOf: said, encoding: .utf8)
        let isInOrder = process.terminationReason == .exit && process.terminationStatus == 0
        #expect(isInOrder, "ended with \(process.terminationStatus): \(words)")
    }
}

/// Unused ports of this machine, held until the program binds them. They are below the range for outgoing connections, and
/// distinct from those of the scenarios.
struct FreePorts {
    private static let range = 31_000..<32_700
    private var last = range.lowerBound + Int(getpid()) * 211 % range.count
    private var held: [Int32] = []

    mutating func next() throws -> Int {
        for _ in Self.range {
            last = last + 1 < Self.range.upperBound ? last + 1 : Self.range.lowerBound
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            held.append(socket)
            var address = Self.loopback(port: UInt16(last))
            let isFree = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if isFree { return last }
        }
        throw CocoaError(.featureUnsupported)
    }

    mutating func release() {
        // A program that another test starts at this moment may keep inherited copies open a moment longer.
        var yes: Int32 = 1
        for socket in held {
            unsafe setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            close(socket)
        }
        held = []
    }

    static func isListening(_ port: UInt16) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = loopback(port: port)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
