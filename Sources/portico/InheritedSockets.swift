// Listening sockets that this process gets from others instead of opening them: those that a service manager has opened for it
// (LISTEN_FDS, sd_listen_fds(3)), and those of the process that it takes over from (`-x`). A `bind` line whose address one of
// them has uses it; so does a `stats socket` line, with sockets of the service manager.

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
        /// The network namespace that it is known to be in; empty for that of the process.
        var namespace = ""
        /// Whether the service manager keeps it for the next start.
        let isOfServiceManager: Bool
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
            unused.append(Item(socket: Socket(number), facts: facts, isOfServiceManager: true))
        }
    }

    /// Takes the listening sockets of the process whose runtime socket is at `path`.
    mutating func addThose(ofProcessAt path: String) throws(HandoverFault) {
        for handed in try ListenerRequest.sockets(ofProcessAt: path) {
            guard let facts = SocketFacts(of: handed.socket) else {
                // One for datagrams, say.
                ListeningSocket.close(handed.socket)
                continue
            }
            unused.append(
                Item(
                    socket: handed.socket, facts: facts, namespace: handed.namespace, isOfServiceManager: false))
        }
    }

    /// The sockets that have the address of a `bind` line, its interface and its other properties that a socket has for ever. They
    /// are the caller's from then on.
    mutating func take(for bind: BindPlan) -> [Item] {
        guard let address = bind.place.address else { return [] }
        let options = bind.place.options
        return take { item in
            item.isAt(address) && item.namespace == options.namespace?.name ?? ""
                && item.facts.interface == options.interface
                && item.facts.isTransparent == options.isTransparent
                && item.takesVersions(asAsked: options.takesBothVersions)
        }
    }

    /// The service manager's socket that has the address of a `stats socket` line, which is the caller's from then on; nil if there is
    /// none. One of the process before is not used: that process would get some of the commands.
    mutating func take(for settings: StatsSocket) -> Item? {
        guard let address = settings.address else { return nil }
        var isFirst = true
        return take { item in
            guard isFirst, item.isOfServiceManager, item.isAt(address) else { return false }
            isFirst = false
            return true
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

    /// Closes those that no line uses: clients would wait there for ever. With a warning of the service manager's.
    mutating func closeUnused() {
        for item in unused {
            if item.isOfServiceManager {
                SystemProcess.printError(
                    "warning: no line listens on \(item.facts.address), for which the process was given the socket "
                        + "\(item.socket.number) (LISTEN_FDS); it is closed\n")
            }
            ListeningSocket.close(item.socket)
        }
        unused.removeAll()
    }
}

extension InheritedSockets.Item {
    fileprivate func isAt(_ address: SocketAddress) -> Bool {
        guard case .path(let path) = address, case .path(let bound) = facts.address else {
            return facts.address == address
        }
        // A socket whose file is gone is out of reach.
        return Self.isPath(path, boundAs: bound) && SocketFile(path) != nil
    }

    /// HAProxy binds a file `<path>.<process>.tmp` and renames it, which the system does not know.
    private static func isPath(_ path: String, boundAs name: String) -> Bool {
        if path == name { return true }
        let suffix = ".tmp"
        guard name.hasPrefix(path + "."), name.hasSuffix(suffix) else { return false }
        let process = name.dropFirst(path.count + 1).dropLast(suffix.count)
        return !process.isEmpty && process.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Only wildcard addresses differ in it.
    fileprivate func takesVersions(asAsked both: Bool?) -> Bool {
        guard facts.address.ip == .anyV6 else { return true }
        return facts.isOnlyIPv6 == (both.map { !$0 } ?? SocketFacts.newSocketsAreOnlyIPv6)
    }
}
