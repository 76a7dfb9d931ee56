// The destination of a `log` line: its target, and the format of its lines.

public import Basics
internal import Reactor

/// Where lines are sent.
public enum LogTarget: Hashable, Sendable {
    /// An inherited descriptor: 1 is `stdout`, 2 is `stderr`.
    case descriptor(Int32)
    /// UDP to an address or host name. The logger thread resolves the name, and again when sending fails.
    case network(host: String, port: UInt16)
    /// A datagram socket in the file system: `/dev/log`.
    case path(String)
    /// A datagram socket in Linux's abstract namespace.
    case abstract(String)
    /// A `ring` section.
    case ring(String)
    /// A syslog server that receives lines over a stream, from a ring of its own.
    case stream(StreamTarget)
}

/// The address of a syslog server that receives lines over a stream.
public enum StreamTarget: Hashable, Sendable, CustomStringConvertible {
    case host(String, port: UInt16)
    case path(String)
    case abstract(String)

    /// The address as written in a configuration.
    public var description: String {
        switch self {
        case .host(let host, let port): host.contains(":") ? "tcp@[\(host)]:\(port)" : "tcp@\(host):\(port)"
        case .path(let path): "uxst@\(path)"
        case .abstract(let name): "uxst@abns@\(name)"
        }
    }

    /// Resolves the host name, which blocks; returns nil if it has no address.
    public func resolved() -> SocketAddress? {
        switch self {
        case .host(let host, let port): HostResolver.resolve(host).first.map { .ip($0, port: port) }
        case .path(let path): .path(path)
        case .abstract(let name): .abstract(name)
        }
    }
}

/// The header in front of a line's text.
public enum LogLineFormat: String, CaseIterable, Sendable {
    /// Like rfc3164, without the host name: `<134>Nov 21 06:57:51 portico[71]: text`.
    case local
    case rfc3164, rfc5424
    /// `<134>text`: facility and level.
    case priority
    /// `<6>text`: only the level, as systemd's journal expects it.
    case short
    /// Like short, with an ISO date: `<6>2026-11-21T06:57:51.112000+00:00 text`.
    case timed
    /// An ISO date and the text.
    case iso
    /// Only the text.
    case raw
    /// Specific to Portico: one JSON object per line, without a header.
    case json
}

/// Selects lines by their number modulo `size`: `sample 1,3:4` selects the first and third of every four lines.
public struct LogSample: Hashable, Sendable {
    /// Line numbers, starting at 1.
    public let ranges: [ClosedRange<Int>]
    public let size: Int

    public init(ranges: [ClosedRange<Int>], size: Int) {
        precondition(size >= 1, "a sample of \(size) lines")
        self.ranges = ranges
        self.size = size
    }

    /// Whether the line at `position`, starting at 0, of each `size` lines is selected.
    func selects(_ position: Int) -> Bool { ranges.contains { $0.contains(position + 1) } }
}

/// A log destination with the settings of its lines.
public struct LogDestination: Hashable, Sendable {
    public var target: LogTarget
    public var format: LogLineFormat
    public var facility: LogFacility
    /// The least severe level to send.
    public var maximumLevel: LogLevel
    /// More severe lines are sent with this level instead, for example to keep syslog from showing `emerg` on all
    /// terminals.
    public var minimumLevel: LogLevel
    /// The maximum length of a line in bytes, including header and line end; nil for the target's default, see
    /// `length`.
    public var lengthMax: Int?
    public var sample: LogSample?
    /// The program name in syslog headers; nil for the logger's.
    public var tag: String?
    /// The `log-profile` with the format of the lines; nil for none.
    public var profile: String?
    /// The host name in syslog headers; nil for the machine's name in rfc3164 and none in rfc5424.
    public var hostname: String?

    public init(
        target: LogTarget, format: LogLineFormat = .local, facility: LogFacility, maximumLevel: LogLevel = .debug,
        minimumLevel: LogLevel = .emerg, lengthMax: Int? = nil, sample: LogSample? = nil, tag: String? = nil,
        hostname: String? = nil
    ) {
        self.target = target
        self.format = format
        self.facility = facility
        self.maximumLevel = maximumLevel
        self.minimumLevel = minimumLevel
        self.lengthMax = lengthMax
        self.sample = sample
        self.tag = tag
        self.hostname = hostname
    }

    /// The maximum length of a line in bytes. Without `len`, it is 1,024 bytes for syslog servers, which need not
    /// accept more (RFC 3164), and the upper limit for descriptors, rings and JSON objects, which must not be
    /// truncated.
    var length: Int {
        if let lengthMax { return lengthMax }
        if format == .json { return Self.lengthLimits.upperBound }
        switch target {
        case .descriptor, .ring: return Self.lengthLimits.upperBound
        case .network, .path, .abstract, .stream: break
        }
        return 1_024
    }

    /// The range of `len`.
    public static let lengthLimits = 80...65_535
}
