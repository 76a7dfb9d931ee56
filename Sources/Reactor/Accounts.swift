// Users and groups of the system, by name.

internal import Glibc

public enum Accounts {
    /// The number of a user; nil if there is none of that name.
    public static func userID(_ name: String) -> UInt32? {
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe entry.pointee.pw_uid
    }

    /// The main group of a user.
    public static func mainGroupID(ofUser name: String) -> UInt32? {
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe entry.pointee.pw_gid
    }

    public static func groupID(_ name: String) -> UInt32? {
        guard let entry = unsafe getgrnam(name) else { return nil }
        return unsafe entry.pointee.gr_gid
    }
}
