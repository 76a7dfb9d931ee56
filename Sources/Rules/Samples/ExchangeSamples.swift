// Where the exchange went and what came of it.

internal import Basics
internal import Configuration
internal import HTTP

enum ExchangeSample: Sendable {
    case frontendName, backendName, serverName, uniqueID, status

    static let rows: [SampleRow] = [
        SampleRow("fe_name", yields: .string, from: .connection, summary: "The frontend's name.") {
            (_, _) throws(ConfigProblem) in .exchange(.frontendName)
        },
        SampleRow(
            "be_name", yields: .string, from: .requestHead,
            summary: "The backend's name; the frontend's until a backend is chosen."
        ) { (_, _) throws(ConfigProblem) in .exchange(.backendName) },
        SampleRow("srv_name", yields: .string, from: .responseHead, summary: "The name of the server that answered.") {
            (_, _) throws(ConfigProblem) in .exchange(.serverName)
        },
        SampleRow("unique-id", yields: .string, from: .requestHead, summary: "What unique-id-format made.") {
            (_, _) throws(ConfigProblem) in .exchange(.uniqueID)
        },
        SampleRow("status", yields: .integer, from: .responseHead, summary: "The response's status.") {
            (_, _) throws(ConfigProblem) in .exchange(.status)
        },
    ]

    @inline(__always)
    func fetch(_ facts: ExchangeFacts) -> SampleValue? {
        switch self {
        case .frontendName: .string(facts.make { $0.append(facts.frontendName) })
        case .backendName: .string(facts.make { $0.append(facts.backendName) })
        case .serverName: .string(facts.make { $0.append(facts.serverName) })
        case .uniqueID:
            facts.uniqueID.isEmpty ? nil : .string(facts.make { $0.append(contentsOf: facts.uniqueID) })
        // In a log line the status is the one that was sent, which need not be the server's.
        case .status: .integer(facts.status >= 0 ? facts.status : facts.response.status)
        }
    }
}
