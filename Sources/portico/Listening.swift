// Opens every listening socket, and reports all addresses that cannot be had before giving up.

internal import Admin
internal import ArgumentParser
internal import Basics
internal import Configuration
internal import Proxy
internal import Reactor
internal import SystemPackage

/// The sockets a process listens on, by worker.
struct Listening {
    /// For each worker, what it accepts from.
    private(set) var workers: [[(socket: Socket, bind: BindPlan)]] = []
    private(set) var admin: [(socket: Socket, settings: StatsSocket)] = []
    private var files: [SocketFile] = []
    private let takesOver: Bool
    private let predecessors: [Int32]
    private var isPredecessorPaused = false

    /// - Parameters:
    ///   - takesOver: whether another process may listen on the same addresses.
    ///   - predecessors: the processes that are to end once this one listens. Where they are in the way, they are told to give
    ///     their addresses up.
    init(takesOver: Bool, from predecessors: [Int32]) {
        self.takesOver = takesOver
        self.predecessors = predecessors
    }

    /// Opens each address once a worker, so that the system spreads connections; what cannot be shared that way (a socket file, an
    /// inherited descriptor) is opened once and watched by all.
    mutating func open(_ binds: [BindPlan], workers count: Int) throws {
        workers = Array(repeating: [], count: count)
        // All are tried before the first is opened: an address that two lines have is not another process's.
        let free = takesOver ? binds : binds.filter(isFree)
        var failed = free.count < binds.count
        for bind in free {
            do throws(Errno) {
                try open(bind)
            } catch {
                failed = true
                complain(bind.place.word.range.file, bind.place.word.range.line, bind.place.word.text, error)
            }
        }
        if failed { throw giveBack() }
    }

    /// Returns false, and reports it, when another process listens on the address.
    private func isFree(_ bind: BindPlan) -> Bool {
        guard let address = bind.place.address, case .ip = address else { return true }
        do throws(Errno) {
            try refuseTaken(address, listenOptions(bind))
            return true
        } catch {
            complain(bind.place.word.range.file, bind.place.word.range.line, bind.place.word.text, error)
            return false
        }
    }

    private mutating func open(_ bind: BindPlan) throws(Errno) {
        if let descriptor = bind.place.descriptor {
            try share(try ListeningSocket.adopt(descriptor: descriptor), bind)
            return
        }
        guard let address = bind.place.address else { preconditionFailure("a bind line without an address") }
        let options = listenOptions(bind)
        if case .ip = address {
            for worker in workers.indices {
                workers[worker].append((try listen(on: address, options), bind))
            }
        } else {
            try share(try listen(on: address, options), bind)
        }
    }

    /// Opens one socket. Where a predecessor is in the way, it is told to give its addresses up, and has two seconds for that.
    private mutating func listen(on address: SocketAddress, _ options: ListenOptions) throws(Errno) -> Socket {
        var attempts = predecessors.isEmpty ? 1 : 200
        while true {
            do throws(Errno) {
                let socket = try ListeningSocket.open(address, options)
                if case .path(let path) = address, let file = SocketFile(path) { files.append(file) }
                return socket
            } catch {
                attempts -= 1
                guard error == .addressInUse, attempts > 0 else { throw error }
            }
            if !isPredecessorPaused {
                isPredecessorPaused = true
                for process in predecessors { SystemProcess.requestPause(process) }
            }
            SystemProcess.pause(milliseconds: 10)
        }
    }

    /// The end of a start that failed: predecessors go on as before.
    private func giveBack() -> ExitCode {
        if isPredecessorPaused { for process in predecessors { SystemProcess.requestResume(process) } }
        return ExitCode(1)
    }

    /// One queue for all workers: the system wakes one of them for each connection.
    private mutating func share(_ socket: Socket, _ bind: BindPlan) throws(Errno) {
        for worker in workers.indices {
            workers[worker].append((worker == 0 ? socket : try ListeningSocket.duplicate(socket), bind))
        }
    }

    /// Shared ports would let two Porticos of one user listen side by side unnoticed, each with half of the connections. A first
    /// attempt without sharing tells whether another process is there. It does not listen: a client that came in by it would be thrown out.
    private func refuseTaken(_ address: SocketAddress, _ options: ListenOptions) throws(Errno) {
        var alone = options
        alone.sharesPort = false
        ListeningSocket.close(try ListeningSocket.bind(address, alone))
    }

    private func listenOptions(_ bind: BindPlan) -> ListenOptions {
        let place = bind.place
        var options = ListenOptions()
        options.backlog = bind.backlog
        options.replacesFile = takesOver
        // What is accepted here has the option from its first moment.
        if bind.frontend.probesClients { options.socketOptions.append(.keepAlive) }
        options.mode = place.options.mode
        options.user = place.options.user
        options.group = place.options.group
        options.interface = place.options.interface
        if place.options.defersAccept { options.socketOptions.append(.deferAccept) }
        if place.options.usesFastOpen { options.socketOptions.append(.fastOpen) }
        if place.options.isTransparent { options.socketOptions.append(.transparent) }
        switch place.options.takesBothVersions {
        case true?: options.socketOptions.append(.bothIPVersions)
        case false?: options.socketOptions.append(.onlyIPv6)
        case nil: break
        }
        return options
    }

    /// Opens the runtime sockets.
    mutating func open(_ sockets: [StatsSocket]) throws {
        for settings in sockets {
            var options = ListenOptions()
            options.sharesPort = false
            options.replacesFile = takesOver
            options.mode = settings.mode.map { UInt32($0) }
            options.user = settings.userID
            options.group = settings.groupID
            do throws(Errno) {
                admin.append((try socket(for: settings, options), settings))
            } catch {
                let place = settings.address.map { "\($0)" } ?? settings.descriptor.map { "fd@\($0)" } ?? ""
                complain(settings.range.file, settings.range.line, place, error)
                throw giveBack()
            }
        }
    }

    private mutating func socket(for settings: StatsSocket, _ options: ListenOptions) throws(Errno) -> Socket {
        if let descriptor = settings.descriptor { return try ListeningSocket.adopt(descriptor: descriptor) }
        guard let address = settings.address else { preconditionFailure("a stats socket without an address") }
        return try listen(on: address, options)
    }

    /// Socket files have no use without their process.
    func removeFiles() {
        for file in files { file.remove() }
    }

    private func complain(_ file: String, _ line: Int, _ address: String, _ reason: Errno) {
        let advice =
            switch reason {
            case .addressInUse: "another process listens there (ss -ltnp shows which)"
            case .permissionDenied: "ports below 1024 need root or the capability net_bind_service"
            case .addressNotAvailable: "this machine has no such address"
            case .badFileDescriptor: "this process was started without such a descriptor"
            default: ""
            }
        SystemProcess.printError(
            "\(file):\(line): error: cannot listen on \(address): \(reason)\(advice.isEmpty ? "" : "; \(advice)")\n"
        )
    }
}
