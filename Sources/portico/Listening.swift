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
    private var files: [String] = []

    /// Opens each address once a worker, so that the system spreads connections; what cannot be shared that way (a socket file, an
    /// inherited descriptor) is opened once and watched by all.
    mutating func open(_ binds: [BindPlan], workers count: Int) throws {
        workers = Array(repeating: [], count: count)
        var failed = false
        for bind in binds {
            do throws(Errno) {
                try open(bind)
            } catch {
                failed = true
                complain(bind.place.word.range.file, bind.place.word.range.line, bind.place.word.text, error)
            }
        }
        if failed { throw ExitCode(1) }
    }

    private mutating func open(_ bind: BindPlan) throws(Errno) {
        if let descriptor = bind.place.descriptor {
            try share(try ListeningSocket.adopt(descriptor: descriptor), bind)
            return
        }
        guard let address = bind.place.address else { preconditionFailure("a bind line without an address") }
        let options = listenOptions(bind)
        if case .ip = address {
            try refuseTaken(address, options)
            for worker in workers.indices {
                workers[worker].append((try ListeningSocket.open(address, options), bind))
            }
        } else {
            if case .path(let path) = address { files.append(path) }
            try share(try ListeningSocket.open(address, options), bind)
        }
    }

    /// One queue for all workers: the system wakes one of them for each connection.
    private mutating func share(_ socket: Socket, _ bind: BindPlan) throws(Errno) {
        for worker in workers.indices {
            workers[worker].append((worker == 0 ? socket : try ListeningSocket.duplicate(socket), bind))
        }
    }

    /// Shared ports would let two Porticos of one user listen side by side unnoticed, each with half of the connections. A first
    /// attempt without sharing tells whether somebody else is there. It does not listen: who came in by it would be thrown out.
    private func refuseTaken(_ address: SocketAddress, _ options: ListenOptions) throws(Errno) {
        var alone = options
        alone.sharesPort = false
        ListeningSocket.close(try ListeningSocket.bind(address, alone))
    }

    private func listenOptions(_ bind: BindPlan) -> ListenOptions {
        let place = bind.place
        var options = ListenOptions()
        options.backlog = bind.backlog
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
            options.mode = settings.mode.map { UInt32($0) }
            options.user = settings.userID
            options.group = settings.groupID
            do throws(Errno) {
                admin.append((try ListeningSocket.open(settings.address, options), settings))
            } catch {
                complain(settings.range.file, settings.range.line, "\(settings.address)", error)
                throw ExitCode(1)
            }
            if case .path(let path) = settings.address { files.append(path) }
        }
    }

    /// Socket files have no use without their process.
    func removeFiles() {
        for file in files { SystemProcess.removeFile(file) }
    }

    private func complain(_ file: String, _ line: Int, _ address: String, _ reason: Errno) {
        let advice =
            switch reason {
            case .addressInUse: "another process listens there (ss -ltnp shows which)"
            case .permissionDenied: "ports below 1024 need root or the capability net_bind_service"
            case .addressNotAvailable: "this machine has no such address"
            default: ""
            }
        SystemProcess.printError(
            "[ALERT]    \(file):\(line): cannot listen on \(address): \(reason)\(advice.isEmpty ? "" : "; \(advice)")\n"
        )
    }
}
