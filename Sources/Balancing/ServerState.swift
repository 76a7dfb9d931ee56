// The states of a server, and the one place that computes from them whether it gets requests.
//
// Each state has one owner: an operator sets the administrative state, checks set the health, the lookup of host names sets the
// name's state, and its backend says whether it still has the server. An owner changes its own state and cannot express a change of
// another one, so a check that ends never undoes `disable server`, and `enable server` never declares a server healthy. All are in
// one atomic word: a reader sees a combination that existed, and two owners on two threads lose no change.

public import Basics
internal import Synchronization

/// What an operator has decided: the configuration's `disabled` at first, commands later.
public enum AdministrativeState: UInt8, CaseIterable, Sendable {
    case ready
    /// Gets only requests that name it (`use-server`), and is checked.
    case drain
    /// Gets no requests, and is not checked.
    case maintenance
}

/// What checks have found.
public enum HealthState: UInt8, CaseIterable, Sendable {
    /// No check is configured: taken as up.
    case unchecked
    case up
    /// Up, but its last check failed.
    case goingDown
    case down
    /// Down, but its last check succeeded.
    case goingUp
    /// Up, and its last check asked for no more requests than it has.
    case draining

    public var isUp: Bool {
        switch self {
        case .unchecked, .up, .goingDown, .draining: true
        case .down, .goingUp: false
        }
    }
}

/// Whether the server has an address to connect to.
public enum NameState: UInt8, CaseIterable, Sendable {
    /// The configuration gives an address, or the host name has one.
    case resolved
    /// The host name has no address.
    case unresolved
}

/// All states of a server at one moment.
public struct ServerState: Sendable, Equatable {
    public var administrative: AdministrativeState
    public var health: HealthState
    public var name: NameState
    /// Maintenance or drain of the server that it tracks.
    public var inherited: AdministrativeState
    /// Its backend has it no more: requests that are on it end there, and no other comes.
    public var isRemoved: Bool

    public init(
        _ administrative: AdministrativeState = .ready, health: HealthState = .unchecked, name: NameState = .resolved,
        inherited: AdministrativeState = .ready, isRemoved: Bool = false
    ) {
        self.administrative = administrative
        self.health = health
        self.name = name
        self.inherited = inherited
        self.isRemoved = isRemoved
    }

    /// What was decided for it or for the server that it tracks: the stricter of both.
    public var decided: AdministrativeState {
        inherited.rawValue > administrative.rawValue ? inherited : administrative
    }

    /// Whether a request may go to the server if something names it: a `use-server` line, or a retry on the same server.
    public var isUsable: Bool { decided != .maintenance && name == .resolved && health.isUp && !isRemoved }

    /// Whether balancing may choose the server.
    /// - Parameter weight: its weight; a server of weight 0 gets only requests that name it.
    public func isEligible(weight: Int) -> Bool {
        isUsable && decided == .ready && health != .draining && weight > 0
    }

    fileprivate init(word: UInt32) {
        guard let administrative = AdministrativeState(rawValue: UInt8(truncatingIfNeeded: word)),
            let health = HealthState(rawValue: UInt8(truncatingIfNeeded: word >> 8)),
            let name = NameState(rawValue: UInt8(truncatingIfNeeded: word >> 16)),
            let inherited = AdministrativeState(rawValue: UInt8(truncatingIfNeeded: word >> 24) & ~Self.removed)
        else { preconditionFailure("no server state is encoded as \(word)") }
        self.init(
            administrative, health: health, name: name, inherited: inherited, isRemoved: word >> 24 >= Self.removed)
    }

    /// The bit beside `inherited` that says `isRemoved`.
    private static let removed: UInt8 = 0x80

    fileprivate var word: UInt32 {
        UInt32(administrative.rawValue) | UInt32(health.rawValue) << 8 | UInt32(name.rawValue) << 16
            | UInt32(inherited.rawValue | (isRemoved ? Self.removed : 0)) << 24
    }
}

/// The live states of one server. Any thread may read and change them.
struct ServerStates: ~Copyable, Sendable {
    private let word: Atomic<UInt32>

    init(_ state: ServerState) { word = Atomic(state.word) }

    var current: ServerState { ServerState(word: word.load(ordering: .acquiring)) }

    /// Changes the state of one owner. Returns true if it was another one before.
    func set(_ administrative: AdministrativeState) -> Bool { change { $0.administrative = administrative } }
    func set(_ health: HealthState) -> Bool { change { $0.health = health } }
    func set(_ name: NameState) -> Bool { change { $0.name = name } }
    func set(inherited: AdministrativeState) -> Bool { change { $0.inherited = inherited } }
    func set(isRemoved: Bool) -> Bool { change { $0.isRemoved = isRemoved } }

    private func change(_ edit: (inout ServerState) -> Void) -> Bool {
        var seen = word.load(ordering: .acquiring)
        while true {
            var state = ServerState(word: seen)
            edit(&state)
            if state.word == seen { return false }
            let (isDone, now) = word.weakCompareExchange(
                expected: seen, desired: state.word, successOrdering: .acquiringAndReleasing,
                failureOrdering: .acquiring)
            if isDone { return true }
            seen = now
        }
    }
}

// MARK: - Who changes what

extension Backend {
    /// An operator's decision. The health and the name's state stay what they are; but where `init-state` says what a server's health
    /// is taken for, that counts out of maintenance too.
    public func setAdministrativeState(_ state: AdministrativeState, of server: Server, now: Instant) {
        if server.decide(state, now: now) { serverChanged(now: now) }
    }

    /// Counts the result of a check. The administrative state and the name's state stay what they are.
    /// - Returns: the change between up and down that the result completes; nil if it completes none.
    public func record(_ result: CheckResult, of server: Server, at now: Instant) -> HealthRecord.Transition? {
        let wasDraining = server.state.health == .draining
        let (transition, health) = server.updateRecord { record in (record.add(result, at: now), record.state) }
        _ = server.states.set(health)
        if transition != nil || wasDraining != (health == .draining) { serverChanged(now: now) }
        return transition
    }
}

extension Server {
    /// Checks begin with this plan, or go on with it.
    public func adopt(_ plan: HealthCheckPlan) { updateRecord { $0.adopt(plan.thresholds) } }

    /// Its host name has an address, or another one. `Backend.serverChanged` then makes a first address count.
    ///
    /// Where it had none, what checks have found before concerned another machine: its health begins anew, up until a check says
    /// otherwise. The administrative state stays what it is.
    public func resolved(to address: SocketAddress, now: Instant) {
        setAddress(address)
        guard state.name == .unresolved else { return }
        if check != nil { beginHealthAnew(now: now) }
        _ = states.set(NameState.resolved)
    }

    /// It is somewhere else by now, or nowhere: another machine, of which checks have found nothing yet.
    func move(to address: SocketAddress?, now: Instant) {
        setAddress(address)
        if check != nil { beginHealthAnew(now: now) }
        _ = states.set(address == nil ? NameState.unresolved : .resolved)
    }

    /// Sets what is decided for it. False if that was decided before.
    func decide(_ state: AdministrativeState, now: Instant) -> Bool {
        let wasInMaintenance = self.state.administrative == .maintenance
        guard states.set(state) else { return false }
        if wasInMaintenance, initialState != nil, check != nil { beginHealthAnew(now: now) }
        return true
    }

    /// It has no agent any more that could say that it is up.
    func forgetAgent(now: Instant) {
        updateRecord { $0.forgetAgent(at: now) }
        if tracked == nil { _ = states.set(ownHealth) }
    }

    /// What checks have found does not count any more.
    func beginHealthAnew(now: Instant) {
        let initialState = initialState
        updateRecord { $0.beginAnew(as: initialState, at: now) }
        // One that tracks another has that one's health.
        if tracked == nil { _ = states.set(ownHealth) }
    }

    /// Its host name has no address any more. `Backend.serverChanged` then makes that count.
    public func unresolved() {
        setAddress(nil)
        _ = states.set(NameState.unresolved)
    }
}
