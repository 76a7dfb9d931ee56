// The one privilege that a process may keep when it becomes another user: to read every file (CAP_DAC_READ_SEARCH of capabilities(7)),
// for files of root's that are renewed while it runs.
//
// In Linux a capability belongs to a thread. The thread that changes the user keeps it; every other thread gives it up before it does
// anything else. It is in effect only while a file is read.

internal import CLinux
internal import Synchronization

/// To read every file. Held by the thread that called `SystemProcess.become`, and by no other.
public enum ReadPrivilege {
    /// Set once, while the process has one thread.
    private static let isKept = Atomic(false)
    private static let mask = UInt64(1) << UInt64(CLINUX_READ_ANY_FILE)

    /// Whether the calling thread has it: root has it, unless a container withholds it.
    public static var isHeld: Bool { clinux_permitted_capabilities() & mask != 0 }

    /// Puts it into effect while `body` runs. Changes nothing in a process that has kept its privileges, or has none. Calls are not nested.
    public static func use<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
        guard isKept.load(ordering: .relaxed), isHeld else { return try body() }
        _ = clinux_set_capabilities(mask, mask)
        defer { _ = clinux_set_capabilities(mask, 0) }
        return try body()
    }

    /// Gives up every other capability, after a change of user that has left them. Returns false if the system refuses it.
    static func keepAlone() -> Bool {
        isKept.store(true, ordering: .relaxed)
        return clinux_set_capabilities(mask, 0) == 0
    }

    /// Gives it up on the calling thread, which has it from the thread that started it.
    static func renounce() {
        guard isKept.load(ordering: .relaxed) else { return }
        precondition(clinux_set_capabilities(0, 0) == 0, "a thread cannot give up its capabilities: \(clinux_errno())")
    }
}
