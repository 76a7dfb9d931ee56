// Which privileges a process keeps when it becomes another user: those without which it could not do again what its start has done.

internal import Admin
internal import Basics
internal import Configuration
internal import Proxy
internal import Reactor
internal import TLS

extension Privileges {
    /// - Parameters:
    ///   - user: that the process is going to have; nil for the one it has, with its privileges.
    ///   - files: that were read, and are read again by a reload or when they are renewed.
    init(
        neededAs user: UInt32?, group: UInt32?, for plan: Plan, runtimeSockets: [StatsSocket],
        files: some Sequence<String>
    ) {
        self = []
        guard let user, user != 0 else { return }
        let permissions = UserPermissions(user: user, group: group)
        if files.contains(where: { !permissions.mayRead($0) }) { insert(.readingFiles) }
        let addresses = plan.binds.map(\.place.address) + runtimeSockets.map(\.address)
        if addresses.contains(where: { $0.map(Self.isLow) ?? false }) { insert(.lowPorts) }
        let options = plan.binds.map(\.place.options)
        if options.contains(where: { $0.interface != nil || $0.isTransparent }) { insert(.rawSockets) }
    }

    /// The first port that every user may listen on.
    private static let firstFreePort =
        SystemFile.read("/proc/sys/net/ipv4/ip_unprivileged_port_start").flatMap {
            UInt16($0.filter { !$0.isWhitespace })
        } ?? 1_024

    private static func isLow(_ address: SocketAddress) -> Bool {
        guard case .ip(_, let port) = address else { return false }
        return port < firstFreePort
    }
}

extension Launch {
    /// Notices of what cannot be read again once the process has given up its privileges.
    static func filesThatCannotBeReadAgain(_ plan: Plan, _ daemon: DaemonSettings) -> [ConfigProblem] {
        var problems = laterReading(plan, daemon).problems.map(\.text)
        if daemon.root != nil, !Confinement.isPossible {
            problems.append(
                "this system gives threads no root directory of their own (unshare): after 'chroot' a reload cannot read its "
                    + "files")
        }
        return problems.map { ConfigProblem($0, at: nil, severity: .notice) }
    }

    static func laterReading(_ plan: Plan, _ daemon: DaemonSettings) -> LaterReading {
        LaterReading(
            plan.encryption.certificates, user: daemon.user, group: daemon.group,
            changesRoot: daemon.root != nil && !Confinement.isPossible)
    }
}
