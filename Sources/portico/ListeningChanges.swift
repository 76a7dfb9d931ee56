// How the listening sockets change with the lines: what is kept, opened, and given up (see Listeners).

internal import Admin
internal import Basics
internal import Configuration
internal import Proxy
internal import Reactor
internal import SystemPackage

extension Listening {
    /// Without sockets, for lines that are read while the process runs.
    /// - Parameter tell: gets messages for the operator.
    func emptied(telling tell: @escaping (String) -> Void) -> Listening {
        var next = self
        next.workers = Array(repeating: [], count: workers.count)
        (next.admin, next.adminLines, next.takenOver) = ([], [], [])
        (next.takesOver, next.predecessors) = (false, [])
        next.tell = tell
        return next
    }

    mutating func add(_ socket: Socket, _ bind: BindPlan, to worker: Int) { workers[worker].append((socket, bind)) }

    /// Returns false if it cannot, which it has reported.
    /// - Parameter isOwn: whether this process may listen there already, which says nothing of others.
    mutating func openOrReport(_ bind: BindPlan, isOwn: Bool) -> Bool {
        guard isOwn || isFree(bind) else { return false }
        do throws(Errno) {
            try open(bind)
            return true
        } catch {
            reportFailure(bind.place.word.range.file, bind.place.word.range.line, bind.place.word.text, error)
            return false
        }
    }

    /// A runtime socket that the other has is kept, with what its line says by now. Returns false if it cannot be opened.
    mutating func keepOrOpen(_ settings: StatsSocket, of other: Listening) -> Bool {
        let place = other.adminLines.firstIndex {
            $0.address == settings.address && $0.descriptor == settings.descriptor
        }
        guard let place else { return openOrReport(settings) }
        var now = settings
        (now.address, now.descriptor) = (other.admin[place].settings.address, other.admin[place].settings.descriptor)
        admin.append((other.admin[place].socket, now))
        adminLines.append(settings)
        return true
    }

    /// Every descriptor.
    var socketNumbers: Set<Int32> {
        Set(workers.joined().map(\.socket.number)).union(admin.map(\.socket.number))
    }

    /// Sockets that the process was started with and that lines name by their numbers.
    var inheritedByNumber: Set<Int32> {
        Set(workers.joined().compactMap(\.bind.place.descriptor))
    }

    /// What is closed has no file, and another process cannot take it over.
    mutating func forgetClosed() {
        let open = socketNumbers
        exposed.removeAll { !open.contains($0.socket.number) }
        files.removeAll { !open.contains($0.socket.number) }
    }

    /// Removes the files of sockets that the other does not have.
    func removeFiles(notIn other: Listening) {
        let open = other.socketNumbers
        for (file, socket) in files where !open.contains(socket.number) && !shared.contains(socket) { file.remove() }
    }
}
