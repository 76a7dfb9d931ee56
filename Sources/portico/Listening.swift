// Opens all listening sockets that the process has not inherited, and reports every address that is not available.

internal import Admin
internal import ArgumentParser
internal import Basics
internal import Configuration
internal import Control
internal import Proxy
internal import Reactor
internal import SystemPackage

/// The listening sockets of the process.
struct Listening {
    /// The sockets of each worker.
    var workers: [[(socket: Socket, bind: BindPlan)]] = []
    var admin: [(socket: Socket, settings: StatsSocket)] = []
    /// What the lines of these say, in the same order.
    var adminLines: [StatsSocket] = []
    /// Where messages for the operator go.
    var tell: (String) -> Void = SystemProcess.printError
    var files: [(file: SocketFile, socket: Socket)] = []
    /// Sockets that another process may take over, each once.
    var exposed: [HandedSocket] = []
    /// Sockets of the process before.
    var takenOver: [(socket: Socket, bind: BindPlan)] = []
    var takesOver: Bool
    var predecessors: [Int32]
    private var isPredecessorPaused = false
    private var inherited: InheritedSockets
    let shared: SharedSockets

    /// - Parameters:
    ///   - inherited: sockets that lines use instead of opening theirs.
    ///   - shared: gets the sockets that other processes have as well.
    ///   - takesOver: whether another process may listen on the same addresses.
    ///   - predecessors: the processes that end once this one listens. If they use an address, they are asked to pause.
    init(
        inherited: InheritedSockets, shared: SharedSockets, takesOver: Bool, from predecessors: [Int32]
    ) {
        self.inherited = inherited
        self.shared = shared
        self.takesOver = takesOver
        self.predecessors = predecessors
    }

    /// Opens each address once per worker, so that the system distributes connections (SO_REUSEPORT). A Unix-domain
    /// socket or inherited descriptor is opened once and watched by all workers.
    mutating func open(_ binds: [BindPlan], workers count: Int) throws {
        workers = Array(repeating: [], count: count)
        var planned = binds.map { (bind: $0, inherited: inherited.take(for: $0)) }
        // Check all addresses before opening the first: an address in two lines is not used by another process.
        if !takesOver { planned.removeAll { $0.inherited.isEmpty && !isFree($0.bind) } }
        var failed = planned.count < binds.count
        for (bind, items) in planned {
            do throws(Errno) {
                if items.isEmpty { try open(bind) } else { try use(items, for: bind) }
            } catch {
                failed = true
                reportFailure(bind.place.word.range.file, bind.place.word.range.line, bind.place.word.text, error)
            }
        }
        if failed { throw abandonStart() }
        if isPredecessorPaused { resumeTakenOver() }
    }

    /// A process that was asked to pause may have stopped listening on the sockets that it had handed over before.
    private func resumeTakenOver() {
        for (socket, bind) in takenOver {
            guard let address = bind.place.address else { continue }
            try? ListeningSocket.takeOver(socket, at: address, listenOptions(bind))
        }
    }

    /// What another process may take over.
    var exposedListeners: ExposedListeners { ExposedListeners(exposed, shared: shared) }

    private mutating func expose(_ socket: Socket, _ bind: BindPlan) {
        exposed.append(
            HandedSocket(
                socket, namespace: bind.place.options.namespace?.name ?? "",
                interface: bind.place.options.interface ?? ""))
    }

    /// Gives each worker its part of inherited sockets. Where there are fewer than workers, workers share them.
    private mutating func use(_ items: [InheritedSockets.Item], for bind: BindPlan) throws(Errno) {
        guard let address = bind.place.address else { preconditionFailure("a bind line without an address") }
        let options = listenOptions(bind)
        for item in items {
            try ListeningSocket.takeOver(item.socket, at: address, options, onRefusal: refusalReport(bind))
            guard !item.isOfServiceManager else { continue }
            takenOver.append((item.socket, bind))
            if case .path(let path) = address, let file = SocketFile(path) { files.append((file, item.socket)) }
        }
        var sockets = items.map(\.socket)
        let isOfServiceManager = items.contains { $0.isOfServiceManager }
        let wanted = address.ip == nil ? 1 : min(bind.place.options.sockets ?? workers.count, workers.count)
        // The process before may have had fewer threads. The system refuses more if they are another user's.
        while !isOfServiceManager, sockets.count < wanted,
            let more = try? ListeningSocket.open(address, options)
        {
            sockets.append(more)
        }
        for socket in sockets { expose(socket, bind) }
        try distribute(sockets, bind, areShared: isOfServiceManager || sockets.count < wanted)
    }

    /// - Parameter areShared: whether no worker may give their address up: the service manager has them too, or other workers.
    private mutating func distribute(
        _ sockets: [Socket], _ bind: BindPlan, areShared: Bool
    ) throws(Errno) {
        for place in 0..<max(sockets.count, workers.count) {
            var socket = sockets[place % sockets.count]
            if place >= sockets.count { socket = try ListeningSocket.duplicate(socket) }
            if areShared { shared.insert(socket) }
            workers[place % workers.count].append((socket, bind))
        }
    }

    /// Returns false and reports a problem if another process listens on the address.
    func isFree(_ bind: BindPlan) -> Bool {
        guard let address = bind.place.address, case .ip = address else { return true }
        do throws(Errno) {
            try refuseTaken(address, listenOptions(bind))
            return true
        } catch {
            reportFailure(bind.place.word.range.file, bind.place.word.range.line, bind.place.word.text, error)
            return false
        }
    }

    mutating func open(_ bind: BindPlan) throws(Errno) {
        if let descriptor = bind.place.descriptor {
            try share(try ListeningSocket.adopt(descriptor: descriptor), bind)
            return
        }
        guard let address = bind.place.address else { preconditionFailure("a bind line without an address") }
        if case .pair(let descriptor) = address {
            return try share(try ListeningSocket.adoptPair(descriptor: descriptor), bind)
        }
        let options = listenOptions(bind)
        if case .ip = address {
            let report = refusalReport(bind)
            let sockets = min(bind.place.options.sockets ?? workers.count, workers.count)
            for worker in workers.indices {
                let isFirst = worker == 0
                if worker < sockets {
                    let socket = try listen(on: address, options) { option, reason in
                        // Each socket of the address is refused the same.
                        if isFirst { report(option, reason) }
                    }
                    workers[worker].append((socket, bind))
                    expose(socket, bind)
                } else {
                    let first = workers[worker % sockets].last { $0.bind === bind }
                    guard let first else { preconditionFailure("no socket to share at \(address)") }
                    workers[worker].append((try ListeningSocket.duplicate(first.socket), bind))
                }
            }
        } else {
            let socket = try listen(on: address, options)
            expose(socket, bind)
            try share(socket, bind)
        }
    }

    /// Opens one socket. If the address is in use, asks the predecessors to pause, and retries for two seconds.
    private mutating func listen(
        on address: SocketAddress, _ options: ListenOptions, onRefusal: (SocketOption, Errno) -> Void = { _, _ in }
    ) throws(Errno) -> Socket {
        var attempts = predecessors.isEmpty ? 1 : 200
        while true {
            do throws(Errno) {
                let socket = try ListeningSocket.open(address, options, onRefusal: onRefusal)
                if case .path(let path) = address, let file = SocketFile(path) { files.append((file, socket)) }
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

    /// After a failed start, asks the predecessors to resume; returns the exit status.
    private func abandonStart() -> ExitCode {
        if isPredecessorPaused { for process in predecessors { SystemProcess.requestResume(process) } }
        return ExitCode(1)
    }

    /// Shares one socket and its accept queue among all workers; the system wakes one of them for each connection.
    private mutating func share(_ socket: Socket, _ bind: BindPlan) throws(Errno) {
        for worker in workers.indices {
            workers[worker].append((worker == 0 ? socket : try ListeningSocket.duplicate(socket), bind))
        }
    }

    /// Throws if another process listens on the address. With shared ports, two processes of the same user could listen
    /// on it unnoticed, each with half of the connections. The test binds without sharing, and without listening,
    /// because connections accepted by it would be reset.
    private func refuseTaken(_ address: SocketAddress, _ options: ListenOptions) throws(Errno) {
        var alone = options
        alone.sharesPort = false
        ListeningSocket.close(try ListeningSocket.bind(address, alone))
    }

    func listenOptions(_ bind: BindPlan) -> ListenOptions {
        let place = bind.place
        var options = ListenOptions()
        options.backlog = bind.backlog
        options.replacesFile = takesOver
        // Accepted connections inherit the option.
        if bind.frontend.probesClients { options.socketOptions.append(.keepAlive) }
        options.mode = place.options.mode
        options.user = place.options.user
        options.group = place.options.group
        options.interface = place.options.interface
        if place.options.defersAccept { options.socketOptions.append(.deferAccept) }
        if place.options.usesFastOpen { options.socketOptions.append(.fastOpen) }
        if place.options.isTransparent {
            let isV6 = place.address?.ip?.bitCount == 128
            options.socketOptions.append(isV6 ? .transparentV6 : .transparent)
        }
        if let bytes = place.options.segmentBytes, bytes > 0 {
            options.socketOptions.append(.segmentBytesMax(Int32(bytes)))
        }
        if let time = place.options.userTimeout {
            options.socketOptions.append(.userTimeout(UInt32(clamping: time.wholeMilliseconds)))
        }
        if let name = place.options.congestionControl { options.socketOptions.append(.congestionControl(name)) }
        options.signingKey = place.options.signingKey
        options.namespace = place.options.namespace
        switch place.options.takesBothVersions {
        case true?: options.socketOptions.append(.bothIPVersions)
        case false?: options.socketOptions.append(.onlyIPv6)
        case nil: break
        }
        return options
    }

    /// Opens the runtime sockets.
    mutating func open(_ sockets: [StatsSocket]) throws {
        for settings in sockets where !openOrReport(settings) { throw abandonStart() }
    }

    /// Returns false if it cannot, which it has reported.
    mutating func openOrReport(_ settings: StatsSocket) -> Bool {
        var options = ListenOptions()
        options.sharesPort = false
        options.replacesFile = takesOver
        options.mode = settings.mode.map { UInt32($0) }
        options.user = settings.userID
        options.group = settings.groupID
        do throws(Errno) {
            if let item = inherited.take(for: settings) {
                admin.append(try use(item, for: settings, options))
            } else {
                admin.append((try socket(for: settings, options), settings))
            }
            adminLines.append(settings)
            return true
        } catch {
            let place = settings.address.map { "\($0)" } ?? settings.descriptor.map { "fd@\($0)" } ?? ""
            reportFailure(settings.range.file, settings.range.line, place, error)
            return false
        }
    }

    /// The process never gives an inherited socket's address up, as with `fd@`.
    private func use(
        _ item: InheritedSockets.Item, for settings: StatsSocket, _ options: ListenOptions
    ) throws(Errno) -> (socket: Socket, settings: StatsSocket) {
        try ListeningSocket.takeOver(item.socket, at: item.facts.address, options)
        var settings = settings
        settings.address = nil
        settings.descriptor = item.socket.number
        return (item.socket, settings)
    }

    /// Closes the inherited sockets that no line uses. Once all lines have theirs.
    mutating func closeUnused() { inherited.closeUnused() }

    private mutating func socket(for settings: StatsSocket, _ options: ListenOptions) throws(Errno) -> Socket {
        if let descriptor = settings.descriptor { return try ListeningSocket.adopt(descriptor: descriptor) }
        guard let address = settings.address else { preconditionFailure("a stats socket without an address") }
        return try listen(on: address, options)
    }

    /// Removes the files of Unix-domain sockets, but for those that another process has taken over.
    func removeFiles() {
        for (file, socket) in files where !shared.contains(socket) { file.remove() }
    }

    /// The system refuses an option without which the socket still listens.
    private func refusalReport(_ bind: BindPlan) -> (SocketOption, Errno) -> Void {
        { [tell] option, reason in
            guard let name = option.parameterName else { return }
            let word = bind.place.word
            tell(
                "\(word.range.file):\(word.range.line): warning: the system refuses '\(name)' for \(word.text): \(reason)\n"
            )
        }
    }

    func reportFailure(_ file: String, _ line: Int, _ address: String, _ reason: Errno) {
        let advice =
            switch reason {
            case .addressInUse: "another process listens there (ss -ltnp shows which)"
            case .permissionDenied: "ports below 1024 need root or the capability net_bind_service"
            case .addressNotAvailable: "this machine has no such address"
            case .badFileDescriptor: "this process was started without such a descriptor"
            default: ""
            }
        tell(
            "\(file):\(line): error: cannot listen on \(address): \(reason)\(advice.isEmpty ? "" : "; \(advice)")\n"
        )
    }
}
