// What the main thread may keep of root's privileges when the process becomes another user: to read files, and to open addresses, as the
// start did, for files that are renewed and for another reading of the configuration (capabilities(7)).
//
// In Linux a capability belongs to a thread. The thread that changes the user keeps some; every other thread gives them up before it does
// anything else. They are in effect only while they are used.

internal import CLinux
internal import Synchronization

/// A set of capabilities. Held by the thread that called `SystemProcess.become`, and by no other.
public struct Privileges: OptionSet, Sendable {
    /// The bits of Linux.
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// To read every file and enter every folder (CAP_DAC_READ_SEARCH).
    public static let readingFiles = Privileges(rawValue: 1 << UInt64(CLINUX_READ_ANY_FILE))
    /// To listen on ports that the system keeps for root (CAP_NET_BIND_SERVICE).
    public static let lowPorts = Privileges(rawValue: 1 << UInt64(CLINUX_BIND_LOW_PORTS))
    /// To listen on addresses of other machines and on one interface (CAP_NET_RAW).
    public static let rawSockets = Privileges(rawValue: 1 << UInt64(CLINUX_RAW_SOCKETS))

    /// Those of the calling thread: root has all, unless a container withholds some.
    public static var held: Privileges { Privileges(rawValue: clinux_permitted_capabilities()) }

    /// Set once, while the process has no threads that serve clients.
    private static let kept = Atomic<UInt64>(0)
    /// How many calls of `use` are under way: of the one thread that has kept some.
    private static let uses = Atomic<Int>(0)

    /// Puts those that were kept into effect while `body` runs, on the thread that has them. Changes nothing on other threads, and nothing in
    /// a process that has given up none, or all.
    public static func use<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
        let mask = kept.load(ordering: .relaxed)
        guard mask != 0, held.rawValue == mask else { return try body() }
        if uses.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { _ = clinux_set_capabilities(mask, mask) }
        defer { if uses.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { _ = clinux_set_capabilities(mask, 0) } }
        return try body()
    }

    /// Gives up every other capability, after a change of user that has left them. Returns false if the system refuses it.
    func keepAlone() -> Bool {
        Self.kept.store(rawValue, ordering: .relaxed)
        return clinux_set_capabilities(rawValue, 0) == 0
    }

    /// Gives them up on the calling thread, which has them from the thread that started it.
    static func renounce() {
        guard kept.load(ordering: .relaxed) != 0 else { return }
        precondition(clinux_set_capabilities(0, 0) == 0, "a thread cannot give up its capabilities: \(clinux_errno())")
    }
}
