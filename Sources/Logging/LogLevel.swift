// Severity and facility of log lines (syslog, RFC 5424 section 6.2.1).

/// The severity of a line. A more severe level compares as smaller, as its number is smaller.
public enum LogLevel: UInt8, CaseIterable, Comparable, Sendable {
    case emerg, alert, crit, err, warning, notice, info, debug

    /// The name in the configuration.
    public var name: String {
        switch self {
        case .emerg: "emerg"
        case .alert: "alert"
        case .crit: "crit"
        case .err: "err"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }

    @inlinable public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }

    /// This level's bit in a set of levels.
    @inlinable var bit: UInt8 { 1 &<< rawValue }
}

/// A syslog facility, by its number.
public struct LogFacility: Hashable, Sendable {
    public let number: UInt8

    /// The names in the configuration, indexed by number.
    public static let names = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp",
        "audit",
        "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]

    /// Returns nil if there is no facility of that name.
    public init?(named name: String) {
        guard let number = Self.names.firstIndex(of: name) else { return nil }
        self.number = UInt8(number)
    }

    public var name: String { Self.names[Int(number)] }
}
