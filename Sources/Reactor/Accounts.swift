// Looks up users and groups of the system by name.

internal import Glibc

/// The system's user and group database (getpwnam, getgrnam).
public enum UserDatabase {
    /// The ID of a user; nil if there is no such user.
    public static func userID(_ name: String) -> UInt32? {
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe entry.pointee.pw_uid
    }

    /// The ID of a user's primary group; nil if there is no such user.
    public static func primaryGroupID(ofUser name: String) -> UInt32? {
        guard let entry = unsafe getpwnam(name) else { return nil }
        return unsafe entry.pointee.pw_gid
    }

    /// The ID of a group; nil if there is no such group.
    public static func groupID(_ name: String) -> UInt32? {
        guard let entry = unsafe getgrnam(name) else { return nil }
        return unsafe entry.pointee.gr_gid
    }
}
