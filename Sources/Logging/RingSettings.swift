// The settings of a `ring` section.

internal import Basics
public import Configuration

/// The lines of one `ring` section.
public struct RingSettings: SectionSettings {
    /// One `server` line.
    struct ServerLine: Sendable {
        let name: Word
        let target: StreamTarget
        let framing: RingServer.Framing
        /// The position of the address, for problems found after parsing.
        let addressRange: SourceRange
    }

    var description: String?
    var format = LogLineFormat.raw
    /// `maxlen`: the maximum length of a line in bytes, including its header.
    var lengthMax: Int?
    var size = EventRing.sizeByDefault
    var connectTimeout: TimeSpan?
    var serverTimeout: TimeSpan?
    var servers: [ServerLine] = []

    public init() {}

    /// Creates the ring of a section of this name. Resolves the host names of its servers, which blocks; reports those
    /// that do not resolve.
    public func makeRing(named name: String, _ problems: inout [ConfigProblem]) -> EventRing {
        var targets: [RingServer] = []
        for line in servers {
            guard let address = line.target.resolved() else {
                problems.append(ConfigProblem("no address for the host of '\(line.name.text)'", at: line.addressRange))
                continue
            }
            var server = RingServer(address: address, framing: line.framing)
            if let connectTimeout { server.connectTimeout = connectTimeout }
            if let serverTimeout { server.sendTimeout = serverTimeout }
            targets.append(server)
        }
        return EventRing(name: name, description: description ?? name, capacity: size, servers: targets)
    }
}
