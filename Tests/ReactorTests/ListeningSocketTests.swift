// Opening listeners, and addresses that are in use.

import Basics
import Foundation
import Glibc
import Reactor
import SystemPackage
import Testing

@Suite struct ListeningSocketTests {
    private let watched: Watched
    private let folder: Folder
    private var path: String { folder.path + "/s" }

    init() throws {
        watched = try Watched()
        folder = try Folder()
    }

    private func open(_ address: SocketAddress, _ change: (inout ListenOptions) -> Void = { _ in }) throws -> Socket {
        var options = ListenOptions()
        change(&options)
        return watched.own(try ListeningSocket.open(address, options))
    }

    // MARK: Pausing

    @Test func `a listener that ignores attempts has what came before, and takes others when it listens again`()
        throws
    {
        let (listener, address) = try watched.listen()
        _ = try watched.connect(to: address)
        watched.kernel.ignoreAttempts(on: listener)
        _ = try watched.accept(on: listener)
        _ = try watched.connect(to: address)
        guard case .wouldBlock = watched.kernel.accept(on: listener) else {
            Issue.record("a connection was accepted whose handshake had to be ignored")
            return
        }

        #expect(watched.kernel.listenAgain(listener, backlog: 10) == nil)
        _ = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
    }

    @Test func `a socket file that was moved aside leaves its path to another, and comes back`()
        throws
    {
        let listener = try open(.path(path)) { $0.mode = 0o640 }
        let file = try #require(SocketFile(path))
        try file.moveAside()
        let other = try ListeningSocket.open(.path(path), ListenOptions())
        #expect(throws: Errno.addressInUse) { try file.moveBack() }
        // A file that another process has replaced is not renamed either.
        try file.moveAside()
        #expect(SocketFile(path) != nil)
        ListeningSocket.close(other)

        try file.moveBack()
        _ = try watched.connect(to: .path(path))
        _ = try watched.accept(on: listener)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o640)

        try file.moveAside()
        file.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    // MARK: Socket files

    @Test func `a socket file that nobody listens on is replaced`() throws {
        ListeningSocket.close(try ListeningSocket.open(.path(path), ListenOptions()))
        #expect(FileManager.default.fileExists(atPath: path), "closing leaves the file")

        let listener = try open(.path(path))
        _ = try watched.connect(to: .path(path))
        _ = try watched.accept(on: listener)
    }

    @Test func `a socket that somebody listens on is left alone`() throws {
        let listener = try open(.path(path))
        #expect(throws: Errno.addressInUse) { try open(.path(path)) }
        let client = try watched.connect(to: .path(path))
        #expect(watched.kernel.connectError(client) == nil)
        // The attempt itself connected to the listener and closed the connection.
        _ = try watched.accept(on: listener)
        _ = try watched.accept(on: listener)
    }

    @Test func `a listener too busy to answer is alive`() throws {
        _ = try open(.path(path)) { $0.backlog = 0 }
        while case .started(let client) = watched.kernel.connect(to: .path(path), from: nil) { _ = watched.own(client) }
        #expect(throws: Errno.addressInUse) { try open(.path(path)) }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func `a live socket of datagrams, as the system's log is, is not removed as stale`() throws {
        let other = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { Glibc.close(other) }
        try bindUnix(other, to: path)
        #expect(throws: Errno.addressInUse) { try open(.path(path)) }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func `a file that is no socket stays what it is`() throws {
        try Data("precious".utf8).write(to: URL(filePath: path))
        #expect(throws: Errno.addressInUse) { try open(.path(path)) }
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == "precious")
    }

    @Test func `the file has the mode that was asked for`() throws {
        _ = try open(.path(path)) { $0.mode = 0o640 }
        var status = stat()
        unsafe #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
    }

    @Test func `a path too long, or in no folder, is said to be so`() {
        #expect(throws: Errno.fileNameTooLong) { try open(.path("/" + String(repeating: "x", count: 107))) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try open(.path(folder.path + "/none/s")) }
    }

    // MARK: Ports

    @Test func `a port is shared only by those who all want to`() throws {
        let first = try open(.ip(.loopbackV4, port: 0))
        let address = watched.kernel.localAddress(first)
        _ = try open(address)
        #expect(throws: Errno.addressInUse) { try open(address) { $0.sharesPort = false } }
    }

    @Test func `finding out whether a port can be had lets nobody in`() throws {
        // Regression: the socket listened for a moment, and clients that connected then were reset.
        var alone = ListenOptions()
        alone.sharesPort = false
        let bound = try ListeningSocket.bind(.ip(.loopbackV4, port: 0), alone)
        let address = watched.kernel.localAddress(bound)
        defer { ListeningSocket.close(bound) }
        switch watched.kernel.connect(to: address, from: nil) {
        case .failed(let reason): #expect(reason == .connectionRefused)
        case .started(let client):
            watched.kernel.watch(watched.own(client), for: .streaming, token: 1)
            #expect(watched.sees(.broken, on: 1))
        }
        let taken = watched.kernel.localAddress(try open(.ip(.loopbackV4, port: 0)))
        #expect(throws: Errno.addressInUse) { try ListeningSocket.bind(taken, alone) }
    }

    @Test func `an address this machine does not have is refused`() {
        #expect(throws: Errno.addressNotAvailable) { try open(.ip(.v4(0xC000_0201), port: 0)) }
    }

    @Test func `an interface this machine does not have is refused`() {
        #expect(throws: Errno.self) { try open(.ip(.loopbackV4, port: 0)) { $0.interface = "nosuch0" } }
    }

    @Test func `two descriptors of one listener have one queue, and each its own end`() throws {
        let first = try open(.path(path))
        let second = watched.own(try ListeningSocket.duplicate(first))
        _ = try watched.connect(to: .path(path))
        watched.close(first)
        _ = try watched.accept(on: second)
        guard case .wouldBlock = watched.kernel.accept(on: second) else { throw Surprise("one came twice") }
    }

    // MARK: Inherited sockets

    @Test func `an inherited listener is taken over, ready for a kernel that never blocks`() throws {
        let inherited = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try check(listen(inherited, 5))
        let adopted = watched.own(try ListeningSocket.adopt(descriptor: inherited))
        guard case .wouldBlock = watched.kernel.accept(on: adopted) else { throw Surprise("somebody came") }
        #expect(fcntl(inherited, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func `an inherited socket that is only bound is listened on, not accepted from until it traps`() throws {
        let inherited = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try bindUnix(inherited, to: path)
        let adopted = watched.own(try ListeningSocket.adopt(descriptor: inherited))
        _ = try watched.connect(to: .path(path))
        _ = try watched.accept(on: adopted)
    }

    @Test func `an inherited descriptor that is no socket is refused`() throws {
        let file = unsafe Glibc.open("/dev/null", O_RDONLY)
        defer { Glibc.close(file) }
        #expect(throws: Errno.notSocket) { try ListeningSocket.adopt(descriptor: file) }
        #expect(throws: Errno.badFileDescriptor) { try ListeningSocket.adopt(descriptor: .max) }
    }

    private func bindUnix(_ number: Int32, to path: String) throws {
        var form = sockaddr_un()
        form.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &form.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        try check(
            unsafe withUnsafePointer(to: &form) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            })
    }

    private func check(_ result: Int32) throws {
        if result != 0 { throw Errno(rawValue: errno) }
    }
}
