// One place where lines go, and in which form: what one `log` line of the configuration says.

public import Basics
internal import Reactor

/// What takes the lines.
public enum LogTarget: Hashable, Sendable {
    /// A descriptor this process was started with: 1 is `stdout`, 2 is `stderr`.
    case descriptor(Int32)
    /// UDP to an address or host name; the name is looked up by the logger thread, and again when sending fails.
    case network(host: String, port: UInt16)
    /// A datagram socket in the file system: `/dev/log`.
    case path(String)
    /// A datagram socket in Linux's abstract namespace.
    case abstract(String)
    /// A `ring` section.
    case ring(String)
    /// A syslog server that gets lines over a stream, from a ring of its own.
    case stream(StreamTarget)
}

/// Where a stream of lines goes to.
public enum StreamTarget: Hashable, Sendable, CustomStringConvertible {
    case host(String, port: UInt16)
    case path(String)
    case abstract(String)

    /// As a file may write it.
    public var description: String {
        switch self {
        case .host(let host, let port): host.contains(":") ? "tcp@[\(host)]:\(port)" : "tcp@\(host):\(port)"
        case .path(let path): "uxst@\(path)"
        case .abstract(let name): "uxst@abns@\(name)"
        }
    }

    /// The address; nil if the host name has none. Names are looked up, which blocks.
    public func resolved() -> SocketAddress? {
        switch self {
        case .host(let host, let port): HostResolver.resolve(host).first.map { .ip($0, port: port) }
        case .path(let path): .path(path)
        case .abstract(let name): .abstract(name)
        }
    }
}

/// What stands in front of a line's text.
public enum LogLineFormat: String, CaseIterable, Sendable {
    /// As rfc3164, without the host name: `<134>Nov 21 06:57:51 portico[71]: text`.
    case local
    case rfc3164, rfc5424
    /// `<134>text`: facility and level.
    case priority
    /// `<6>text`: the level alone, as the journal reads it.
    case short
    /// As short, with an ISO date: `<6>2026-11-21T06:57:51.112000+00:00 text`.
    case timed
    /// An ISO date and the text.
    case iso
    /// The text alone.
    case raw
    /// Portico's own: one JSON object a line and nothing around it.
    case json
}

/// Which lines of every `size` lines a destination takes: `sample 1,3:4` takes the first and third of four.
public struct LogSample: Hashable, Sendable {
    /// Numbers count from 1.
    public let ranges: [ClosedRange<Int>]
    public let size: Int

    public init(ranges: [ClosedRange<Int>], size: Int) {
        precondition(size >= 1, "a sample of \(size) lines")
        self.ranges = ranges
        self.size = size
    }

    /// Whether the line at `position` (from 0) of each `size` lines is taken.
    func takes(_ position: Int) -> Bool { ranges.contains { $0.contains(position + 1) } }
}

/// One destination with all that its lines need.
public struct LogDestination: Hashable, Sendable {
    public var target: LogTarget
    public var format: LogLineFormat
    public var facility: LogFacility
    /// The least grave level it takes.
    public var maximumLevel: LogLevel
    /// Graver lines are sent as if they were of this level, so that no `emerg` reaches every terminal.
    public var minimumLevel: LogLevel
    /// Bytes of a line, header and line end included; nil for the target's own: `defaultLength`.
    public var lengthMax: Int?
    public var sample: LogSample?
    /// The program's name in syslog headers; nil for the logger's own.
    public var tag: String?
    /// The `log-profile` that says how its lines look; nil for none.
    public var profile: String?
    /// The host name in syslog headers; nil for the machine's in rfc3164 and none in rfc5424.
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

    /// The longest line where `len` does not say: syslog servers are only required to take 1,024 bytes, a
    /// descriptor takes what comes, and half a JSON object is none.
    var length: Int {
        if let lengthMax { return lengthMax }
        if format == .json { return Self.lengthLimits.upperBound }
        switch target {
        case .descriptor, .ring: return Self.lengthLimits.upperBound
        case .network, .path, .abstract, .stream: break
        }
        return 1_024
    }

    /// What `len` may say.
    public static let lengthLimits = 80...65_535
}
