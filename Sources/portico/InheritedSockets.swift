// Listening sockets that this process gets from others instead of opening them: those that a service manager has opened for it
// (LISTEN_FDS, sd_listen_fds(3)). A `bind` or `stats socket` line whose address one of them has uses it.

internal import Admin
internal import Basics
internal import Proxy
internal import Reactor
internal import SystemPackage

/// The inherited sockets that no line uses yet.
struct InheritedSockets {
    /// An inherited socket and what is known of it.
    struct Item {
        let socket: Socket
        let facts: SocketFacts
    }

    private var unused: [Item] = []

    /// Where the descriptors of LISTEN_FDS begin.
    private static let firstDescriptor: Int32 = 3
    /// More are a mistake: no service manager opens so many.
    private static let descriptorsMax: Int32 = 65_536

    /// Takes the listening sockets of LISTEN_FDS, if LISTEN_PID says that they are for this process. Descriptors of another kind are
    /// left alone: a `log` line may name them.
    /// - Parameter named: descriptors that lines use by their numbers (`fd@`).
    mutating func addThoseOfServiceManager(
        _ environment: [String: String] = SystemProcess.environment, except named: Set<Int32>
    ) {
        guard environment["LISTEN_PID"].flatMap({ Int($0) }) == SystemProcess.id,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), (1...Self.descriptorsMax).contains(count)
        else { return }
        for number in Self.firstDescriptor..<Self.firstDescriptor + count where !named.contains(number) {
            guard let facts = SocketFacts(of: Socket(number)), facts.isListening else { continue }
            unused.append(Item(socket: Socket(number), facts: facts))
        }
    }

    /// The sockets that have the address of a `bind` line, its interface and its other properties that a socket has for ever. They
    /// are the caller's from then on.
    mutating func take(for bind: BindPlan) -> [Item] {
        guard let address = bind.place.address else { return [] }
        let options = bind.place.options
        // Which namespace such a socket is in, the system does not say.
        guard options.namespace == nil else { return [] }
        return take { item in
            item.isAt(address) && item.facts.interface == options.interface
                && item.facts.isTransparent == options.isTransparent
                && item.takesVersions(asAsked: options.takesBothVersions)
        }
    }

    /// The socket that has the address of a `stats socket` line, which is the caller's from then on; nil if there is none.
    mutating func take(for settings: StatsSocket) -> Item? {
        guard let address = settings.address else { return nil }
        var isFirst = true
        return take { item in
            defer { if item.isAt(address) { isFirst = false } }
            return isFirst && item.isAt(address)
        }.first
    }

    private mutating func take(where matches: (Item) -> Bool) -> [Item] {
        var taken: [Item] = []
        unused.removeAll { item in
            guard matches(item) else { return false }
            taken.append(item)
            return true
        }
        return taken
    }

    /// Closes those that no line uses, with a warning: clients would wait there for ever.
    mutating func closeUnused() {
        for item in unused {
            SystemProcess.printError(
                "warning: no line listens on \(item.facts.address), for which the process was given the socket "
                    + "\(item.socket.number) (LISTEN_FDS); it is closed\n")
            ListeningSocket.close(item.socket)
        }
        unused.removeAll()
    }
}

extension InheritedSockets.Item {
    fileprivate func isAt(_ address: SocketAddress) -> Bool {
        guard facts.address == address else { return false }
        // A socket whose file is gone is out of reach.
        if case .path(let path) = address { return SocketFile(path) != nil }
        return true
    }

    /// Only wildcard addresses differ in it.
    fileprivate func takesVersions(asAsked both: Bool?) -> Bool {
        guard facts.address.ip == .anyV6 else { return true }
        return facts.isOnlyIPv6 == (both.map { !$0 } ?? SocketFacts.newSocketsAreOnlyIPv6)
    }
}
