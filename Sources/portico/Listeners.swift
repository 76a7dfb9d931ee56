// The listening sockets over reloads: those whose addresses stay are kept as they are, so that no client notices; new ones are opened
// before anything else changes, and those that are gone are closed by the workers.

internal import Admin
internal import Basics
internal import Control
internal import Proxy
internal import Reactor
internal import SystemPackage

/// The listening sockets of the process while it runs.
final class Listeners {
    private(set) var now: Listening

    init(_ first: Listening) { now = first }

    /// The sockets for other lines. Nothing is closed or changed before they are committed.
    /// - Throws: what could not be opened.
    func prepare(_ binds: [BindPlan], _ runtimeSockets: [StatsSocket]) throws(ReloadFault) -> PreparedSockets {
        let before = now
        let next = try before.following(binds, runtimeSockets)
        return PreparedSockets(
            workers: next.workers, runtimeSockets: next.admin, exposed: next.exposedListeners,
            keepsOpen: before.inheritedByNumber
        ) { [self] isListening in
            if isListening { next.applyOptions(changedSince: before) }
            before.removeFiles(notIn: next)
            now = next
        }
    }
}

extension Listening {
    private struct Place {
        let worker: Int
        let socket: Socket
    }

    /// The addresses that it listens on, in their order, and the sockets of each.
    private var places: (binds: [BindPlan], sockets: [ObjectIdentifier: [Place]]) {
        var binds: [BindPlan] = []
        var sockets: [ObjectIdentifier: [Place]] = [:]
        for (worker, list) in workers.enumerated() {
            for (socket, bind) in list {
                if sockets[ObjectIdentifier(bind)] == nil { binds.append(bind) }
                sockets[ObjectIdentifier(bind), default: []].append(Place(worker: worker, socket: socket))
            }
        }
        return (binds, sockets)
    }

    /// Which of the addresses that it listens on each of the others is: the same, or one at the same place of another frontend.
    private func kept(_ binds: [BindPlan], of old: [BindPlan]) -> [ObjectIdentifier: BindPlan] {
        var kept: [ObjectIdentifier: BindPlan] = [:]
        let known = Dictionary(old.map { (ObjectIdentifier($0.live), $0) }, uniquingKeysWith: { first, _ in first })
        var free = Set(old.map(ObjectIdentifier.init))
        for bind in binds {
            guard let same = known[ObjectIdentifier(bind.live)] else { continue }
            kept[ObjectIdentifier(bind)] = same
            free.remove(ObjectIdentifier(same))
        }
        if free.isEmpty { return kept }
        for bind in binds where kept[ObjectIdentifier(bind)] == nil {
            let moved = old.first { free.contains(ObjectIdentifier($0)) && $0.live.hasSamePlace(as: bind.live) }
            guard let moved else { continue }
            kept[ObjectIdentifier(bind)] = moved
            free.remove(ObjectIdentifier(moved))
        }
        return kept
    }

    /// The sockets for these lines: those that are open already, and new ones.
    fileprivate func following(
        _ binds: [BindPlan], _ runtimeSockets: [StatsSocket]
    ) throws(ReloadFault) -> Listening {
        let messages = Messages()
        var next = emptied { messages.text += $0 }
        let (old, sockets) = places
        let kept = kept(binds, of: old)
        var isComplete = true
        for bind in binds {
            if let same = kept[ObjectIdentifier(bind)] {
                for place in sockets[ObjectIdentifier(same)] ?? [] { next.add(place.socket, bind, to: place.worker) }
            } else if !next.openOrReport(bind, isOwn: old.contains { $0.sharesPort(with: bind) }) {
                isComplete = false
            }
        }
        for settings in runtimeSockets where isComplete {
            isComplete = next.keepOrOpen(settings, of: self)
        }
        guard isComplete else {
            next.closeAll(notIn: self)
            throw ReloadFault(messages.text)
        }
        next.forgetClosed()
        return next
    }

    /// What was told while sockets were opened.
    private final class Messages {
        var text = ""
    }

    /// Closes the sockets that the other does not have, after a failure.
    private func closeAll(notIn other: Listening) {
        let known = other.socketNumbers
        for number in socketNumbers.subtracting(known) { ListeningSocket.close(Socket(number)) }
        removeFiles(notIn: other)
    }

    /// Lets sockets that were kept have the options that their lines have by now, as far as a socket that listens can change.
    fileprivate func applyOptions(changedSince before: Listening) {
        let (binds, sockets) = places
        let (old, _) = before.places
        let kept = before.kept(binds, of: old)
        for bind in binds {
            guard let same = kept[ObjectIdentifier(bind)], let address = bind.place.address,
                !listenOptions(bind).isSame(as: listenOptions(same))
            else { continue }
            for place in sockets[ObjectIdentifier(bind)] ?? [] {
                try? ListeningSocket.takeOver(place.socket, at: address, listenOptions(bind))
            }
        }
    }
}

extension BindPlan {
    /// Whether both lines have the same port, so that one socket may keep another process away, or the other socket.
    fileprivate func sharesPort(with other: BindPlan) -> Bool {
        guard let port = place.address?.port else { return false }
        return port == other.place.address?.port
    }
}

extension ListenOptions {
    /// Whether a socket that listens would be the same with the others.
    fileprivate func isSame(as other: ListenOptions) -> Bool {
        backlog == other.backlog && socketOptions == other.socketOptions && mode == other.mode && user == other.user
            && group == other.group && signingKey == other.signingKey
    }
}
