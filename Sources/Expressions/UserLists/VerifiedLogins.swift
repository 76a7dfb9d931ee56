// A cache of logins that crypt(3) has verified, so that a page with many requests calls it once.
//
// Browsers send the password with each request, and crypt(3) may block its worker for tens of milliseconds. The cache holds
// neither names nor passwords but a 128-bit hash of both under a key of this process; an attacker who can read the key from
// memory can read the passwords of current requests as well. Failed logins are not cached: there are too many of them.

internal import Basics
internal import Synchronization

/// A table of fixed size; a new login takes the place of an older one.
final class VerifiedLogins: Sendable {
    /// About as many as a site has users at one time; each one more costs an additional call of crypt(3).
    static let slotsCount = 512

    /// A user and a password.
    struct Login: Equatable {
        fileprivate let first: UInt64
        fileprivate let second: UInt64
    }

    /// Read and written without a lock. A thread may read halves of two different logins: the pair matches no login,
    /// and the slot counts as empty.
    private final class Slot: Sendable {
        let first = Atomic<UInt64>(0)
        let second = Atomic<UInt64>(0)
    }

    private let slots = (0..<slotsCount).map { _ in Slot() }
    private let keys = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))

    /// `user` is the user's index in the list.
    func login(user: Int, password: RawSpan) -> Login {
        Login(first: digest(keys.0, user, password), second: digest(keys.1, user, password))
    }

    func contains(_ login: Login) -> Bool {
        let slot = slot(of: login)
        return slot.first.load(ordering: .relaxed) == login.first
            && slot.second.load(ordering: .relaxed) == login.second
    }

    func insert(_ login: Login) {
        let slot = slot(of: login)
        slot.first.store(login.first, ordering: .relaxed)
        slot.second.store(login.second, ordering: .relaxed)
    }

    private func slot(of login: Login) -> Slot { slots[Int(login.first % UInt64(Self.slotsCount))] }

    /// Swift's hash, which is SipHash with a key.
    private func digest(_ key: UInt64, _ user: Int, _ password: RawSpan) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(key)
        hasher.combine(user)
        unsafe password.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
