// What a `ring` section says, and the ring it makes.

internal import Basics
public import Configuration

/// The lines of one `ring` section.
public struct RingSettings: SectionSettings {
    /// One `server` line.
    struct ServerLine: Sendable {
        let name: Word
        let target: StreamTarget
        let framing: RingServer.Framing
        /// Where the address stands.
        let place: SourceRange
    }

    var description: String?
    var format = LogLineFormat.raw
    /// `maxlen`: bytes of a line, header included.
    var lengthMax: Int?
    var size = EventRing.sizeByDefault
    var connectTimeout: TimeSpan?
    var serverTimeout: TimeSpan?
    var servers: [ServerLine] = []

    public init() {}

    /// The ring of a section of this name. Host names of its servers are looked up, which blocks; one that has no address
    /// is a problem.
    public func makeRing(named name: String, _ problems: inout [ConfigProblem]) -> EventRing {
        var targets: [RingServer] = []
        for line in servers {
            guard let address = line.target.resolved() else {
                problems.append(ConfigProblem("no address for the host of '\(line.name.text)'", at: line.place))
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
