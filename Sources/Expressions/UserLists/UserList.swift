// A `userlist` as requests are checked against it: users with their password hashes and their groups.
//
// All workers share it. It is immutable, except for `VerifiedLogins`.

internal import Basics
internal import Configuration

/// People, their passwords and their groups.
public final class UserList: Sendable {
    public let name: String

    struct User {
        let name: [UInt8]
        let secret: Secret
        /// Places in `groups`.
        let groups: [Int]
    }

    enum Secret {
        /// No password is right.
        case none
        case clear([UInt8])
        case hash(PasswordHash)
    }

    /// Both sorted by name.
    private let users: [User]
    private let groups: [[UInt8]]
    private let verified = VerifiedLogins()

    init(name: String, users: [User], groups: [[UInt8]]) {
        self.name = name
        self.users = users
        self.groups = groups
    }

    /// Whether there is such a user and this is the password.
    ///
    /// A password that crypt(3) has to judge holds the calling thread, for milliseconds or as long as its hash was made to
    /// take, when it is right for the first time, and whenever it is wrong. (So it does in HAProxy.)
    public func authenticate(user: RawSpan, password: RawSpan) -> Bool {
        guard let index = index(of: user, in: users, named: \.name) else { return false }
        switch users[index].secret {
        case .none: return false
        case .clear(let expected): return password.takesAsLongToCompare(as: expected)
        case .hash(let hash):
            let login = verified.login(user: index, password: password)
            if verified.contains(login) { return true }
            guard hash.matches(password) else { return false }
            verified.insert(login)
            return true
        }
    }

    /// Whether the user belongs to the group; asks for no password.
    public func isMember(user: RawSpan, group: RawSpan) -> Bool {
        guard let user = index(of: user, in: users, named: \.name),
            let group = index(of: group, in: groups, named: \.self)
        else { return false }
        return users[user].groups.contains(group)
    }

    /// The user's index in the list.
    func place(of user: RawSpan) -> Int? { index(of: user, in: users, named: \.name) }

    func groupCount(ofUser user: Int) -> Int { users[user].groups.count }

    /// Appends the name of one of the user's groups.
    func appendGroup(_ place: Int, ofUser user: Int, to out: inout [UInt8]) {
        out += groups[users[user].groups[place]]
    }

    /// A binary search.
    private func index<T>(of name: RawSpan, in list: [T], named: (T) -> [UInt8]) -> Int? {
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            let order = name.order(against: named(list[middle]))
            if order == 0 { return middle }
            if order < 0 { high = middle } else { low = middle + 1 }
        }
        return nil
    }
}

extension RawSpan {
    /// Below zero if these bytes come before the others, zero if they are the same.
    fileprivate func order(against other: [UInt8]) -> Int {
        for i in 0..<min(byteCount, other.count) where self[i] != other[i] { return Int(self[i]) - Int(other[i]) }
        return byteCount - other.count
    }

    /// Whether the bytes are the same. Looks at all of them, so that the time it takes does not tell how many are right.
    func takesAsLongToCompare(as expected: [UInt8]) -> Bool {
        var difference = byteCount ^ expected.count
        for i in 0..<byteCount where !expected.isEmpty { difference |= Int(self[i] ^ expected[i % expected.count]) }
        return difference == 0
    }
}
