// The settings of the runtime sockets, and the names of this node.

public import Basics
public import Configuration

/// What a conversation may do: each level includes the lower ones.
public enum AccessLevel: Int, Sendable, Comparable, CaseIterable {
    case user, `operator`, admin

    /// As it is written in a configuration and on the socket.
    public var name: String {
        switch self {
        case .user: "user"
        case .operator: "operator"
        case .admin: "admin"
        }
    }

    public static func < (a: AccessLevel, b: AccessLevel) -> Bool { a.rawValue < b.rawValue }
}

/// `severity-output`: how a runtime socket's messages show their severity (RFC 5424 section 6.2.1). What a command was asked for has
/// none.
public enum SeverityOutput: Sendable {
    case none, number, string

    enum Severity: Int { case error = 3, info = 6 }

    /// What is in front of a message.
    func prefix(of severity: Severity) -> String {
        switch self {
        case .none: ""
        case .number: "[\(severity.rawValue)]: "
        case .string: severity == .error ? "[err]: " : "[info]: "
        }
    }
}

/// One `stats socket` line.
public struct StatsSocket: Sendable {
    /// Where it listens; nil for an inherited descriptor.
    public var address: SocketAddress?
    /// The number of a socket that the process was started with (`fd@`); nil where there is an address.
    public var descriptor: Int32?
    /// The address as written.
    public var range: SourceRange
    public var level = AccessLevel.operator
    public var severity = SeverityOutput.none
    /// Whether commands may begin with the process they are for, as on the socket of HAProxy's master process: `@1 show info`.
    public var takesProcess = false
    /// `expose-fd listeners`: whether another process gets the listening sockets here.
    public var exposesListeners = false
    /// Permissions of the socket's file; nil leaves them to the umask.
    public var mode: UInt16?
    /// Owner and group of the socket's file; nil leaves them.
    public var userID: UInt32?
    public var groupID: UInt32?

    public init(address: SocketAddress, range: SourceRange) {
        self.address = address
        self.range = range
    }

    public init(descriptor: Int32, range: SourceRange) {
        self.descriptor = descriptor
        self.range = range
    }
}

/// `stats socket`, `stats timeout`, `stats maxconn`, `node` and `description` of `global`.
public struct AdminSettings: SectionSettings {
    public var sockets: [StatsSocket] = []
    /// How long a socket may be silent.
    public var timeout = TimeSpan.seconds(10)
    /// Connections to all sockets at once.
    public var connectionsLimit = 10
    public var node: String?
    public var description: String?

    public init() {}
}
