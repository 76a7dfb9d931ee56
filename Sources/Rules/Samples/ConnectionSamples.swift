// What is known of the client's connection (manual, sections 7.3.3 and 7.3.4).

internal import Basics
internal import Configuration

enum ConnectionSample: Sendable {
    case source, sourcePort, destination, destinationPort, isTLS

    static let rows: [SampleRow] = [
        SampleRow("src", yields: .address, from: .connection, summary: "The client's address.") {
            (_, _) throws(ConfigProblem) in .connection(.source)
        },
        SampleRow("src_port", yields: .integer, from: .connection, summary: "The client's port.") {
            (_, _) throws(ConfigProblem) in .connection(.sourcePort)
        },
        SampleRow("dst", yields: .address, from: .connection, summary: "The address the client connected to.") {
            (_, _) throws(ConfigProblem) in .connection(.destination)
        },
        SampleRow("dst_port", yields: .integer, from: .connection, summary: "The port the client connected to.") {
            (_, _) throws(ConfigProblem) in .connection(.destinationPort)
        },
        SampleRow("ssl_fc", yields: .bool, from: .connection, summary: "Whether the client's connection is encrypted.")
        { (_, _) throws(ConfigProblem) in .connection(.isTLS) },
    ]

    /// nil for the addresses and ports of a unix socket.
    @inline(__always)
    func fetch(_ facts: ExchangeFacts) -> SampleValue? {
        switch self {
        case .source: facts.client.ip.map { .address($0) }
        case .sourcePort: facts.client.port.map { .integer(Int($0)) }
        case .destination: facts.local.ip.map { .address($0) }
        case .destinationPort: facts.local.port.map { .integer(Int($0)) }
        case .isTLS: .bool(facts.isTLS)
        }
    }
}
