// Sockets that another process has opened: what is known of them, and how they are taken over.

import Basics
import Glibc
import Reactor
import SystemPackage
import Testing

@Suite struct InheritedSocketTests {
    private let watched: Watched
    private let folder: Folder

    init() throws {
        watched = try Watched()
        folder = try Folder()
    }

    private func bound(_ address: SocketAddress, _ change: (inout ListenOptions) -> Void = { _ in }) throws -> Socket {
        var options = ListenOptions()
        change(&options)
        return watched.own(try ListeningSocket.bind(address, options))
    }

    @Test func `the facts are those that the socket was opened with`() throws {
        let (listener, address) = try watched.listen()
        let facts = try #require(SocketFacts(of: listener))
        #expect(facts.address == address && facts.isListening)
        #expect(!facts.isOnlyIPv6 && !facts.isTransparent && facts.interface == nil)

        #expect(SocketFacts(of: try bound(.ip(.anyV4, port: 0)))?.isListening == false)
        for (option, isOnly) in [(SocketOption.onlyIPv6, true), (.bothIPVersions, false)] {
            let socket = try bound(.ip(.anyV6, port: 0)) { $0.socketOptions = [option] }
            #expect(SocketFacts(of: socket)?.isOnlyIPv6 == isOnly)
        }
        for address in [.path(folder.path + "/s"), .abstract("facts-\(getpid())"), .abstractExact("facts-\(getpid())")]
            as [SocketAddress]
        {
            #expect(SocketFacts(of: try bound(address))?.address == address)
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `the interface and the transparency are among them`() throws {
        let socket = try bound(.ip(.loopbackV4, port: 0)) {
            $0.interface = "lo"
            $0.socketOptions = [.transparent]
        }
        let facts = try #require(SocketFacts(of: socket))
        #expect(facts.interface == "lo" && facts.isTransparent)
    }

    @Test func `what is no stream socket, or has no address, has no facts`() throws {
        let datagrams = watched.own(Socket(socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)))
        let unbound = watched.own(Socket(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)))
        let unnamed = watched.own(Socket(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)))
        for socket in [datagrams, unbound, unnamed, Socket(-1)] { #expect(SocketFacts(of: socket) == nil) }
    }

    @Test func `a socket taken over listens, again if it was stopped, and has the clients that waited`() throws {
        let (first, address) = try watched.listen()
        watched.close(first)
        // One that was bound to port 0 would give its port up when it is stopped.
        let (listener, _) = try watched.listen(address)
        _ = try watched.connect(to: address)
        watched.kernel.ignoreAttempts(on: listener)
        try ListeningSocket.takeOver(listener, at: address, ListenOptions())
        _ = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
        _ = try watched.accept(on: listener)

        watched.kernel.stopListening(listener)
        try ListeningSocket.takeOver(listener, at: address, ListenOptions())
        _ = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
    }

    @Test func `options of the line replace those of before, and refused ones are told`() throws {
        let listener = try bound(.ip(.loopbackV4, port: 0)) { $0.socketOptions = [.deferAccept] }
        let address = watched.kernel.localAddress(listener)
        func defersAccept() -> Bool {
            var seconds: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(listener.number, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, &seconds, &length)
            return seconds > 0
        }
        #expect(defersAccept())
        var refused = 0
        var options = ListenOptions()
        options.socketOptions = [.congestionControl("none-such"), .onlyIPv6]
        try ListeningSocket.takeOver(listener, at: address, options) { option, _ in
            refused += 1
            #expect(option.parameterName == "cc")
        }
        #expect(refused == 1 && !defersAccept())
        options.socketOptions = [.deferAccept]
        try ListeningSocket.takeOver(listener, at: address, options)
        #expect(defersAccept())
    }

    @Test func `a socket file gets the line's permissions`() throws {
        let path = folder.path + "/s"
        let listener = try bound(.path(path))
        var options = ListenOptions()
        options.mode = 0o640
        try ListeningSocket.takeOver(listener, at: .path(path), options)
        var status = stat()
        unsafe #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
    }

    @Test func `a listener that other processes have as well is not stopped`() throws {
        let shared = SharedSockets()
        let kernel = try LinuxKernel(sharedSockets: shared)
        let (listener, address) = try watched.listen()
        #expect(!shared.contains(listener))
        shared.insert(listener)
        kernel.ignoreAttempts(on: listener)
        kernel.stopListening(listener)
        _ = try watched.connect(to: address)
        _ = try watched.accept(on: listener)
    }
}
