// Where the exchange was sent, and how it went.

internal import Basics
internal import Configuration
internal import HTTP

enum ExchangeSample: SampleFamily {
    case frontendName, backendName, serverName, uniqueID, status, finalStatus, serverStatus, responseVersion
    case retries, isRedispatched, termination, priorityClass, priorityOffset
    case lastRuleFile, lastRuleLine, lastEntity

    static let rows: [SampleRow] = [
        row("fe_name", .string, .connection, .frontendName, "The frontend's name."),
        row("be_name", .string, .requestHead, .backendName, "The backend's name; the frontend's until one is chosen."),
        row("srv_name", .string, .responseBytes, .serverName, "The name of the server that was asked."),
        row("unique-id", .string, .requestHead, .uniqueID, "What unique-id-format made."),
        row("status", .integer, .responseHead, .status, "The response's status."),
        row("server_status", .integer, .responseHead, .serverStatus, "The status that the server answered with."),
        row("txn.status", .integer, .end, .finalStatus, "The status that the client was answered with (%ST)."),
        row("txn.conn_retries", .integer, .responseBytes, .retries, "How often another connection was tried (%rc)."),
        row(
            "txn.redispatched", .bool, .responseBytes, .isRedispatched,
            "Whether another server than the first was tried."),
        row("txn.sess_term_state", .string, .end, .termination, "Who ended the exchange, and in which phase (%ts)."),
        row(
            "prio_class", .integer, .connection, .priorityClass, "The class in which the exchange waits for a server."),
        row(
            "prio_offset", .integer, .connection, .priorityOffset,
            "By how many milliseconds the exchange waits as if it had come later."),
        row(
            "last_rule_file", .string, .connection, .lastRuleFile,
            "The file of the last rule that ended its list: one that answered, refused, or let pass."),
        row("last_rule_line", .integer, .connection, .lastRuleLine, "The line of that rule."),
        row("last_entity", .string, .connection, .lastEntity, "File and line of that rule, with a colon between them."),
        row("res.ver", .string, .responseHead, .responseVersion, "The response's HTTP version: 1.0 or 1.1."),
        row("resp_ver", .string, .responseHead, .responseVersion, "The same as res.ver."),
    ]

    private static func row(
        _ name: String, _ type: SampleType, _ availability: SampleAvailability, _ sample: ExchangeSample,
        _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: type, from: availability, .exchange(sample), summary: summary)
    }

    func head(in side: MessageSide) -> MessageSide? {
        switch self {
        case .status, .responseVersion: .response
        default: nil
        }
    }

    @inline(__always)
    func fetch(_ facts: ExchangeFacts, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .frontendName: .string(facts.make { $0.append(facts.frontendName) })
        case .backendName: .string(facts.make { $0.append(facts.backendName) })
        case .serverName: .string(facts.make { $0.append(facts.serverName) })
        case .uniqueID:
            facts.uniqueID.isEmpty ? nil : .string(facts.make { $0.append(contentsOf: facts.uniqueID) })
        case .status: facts.statusSoFar >= 0 ? .integer(facts.statusSoFar) : nil
        case .finalStatus: .integer(facts.status)
        case .serverStatus: facts.serverStatus >= 0 ? .integer(facts.serverStatus) : nil
        case .responseVersion:
            .string(facts.make { $0.append(facts.response.version == .http11 ? "1.1" : "1.0") })
        case .retries: .integer(facts.retries)
        case .priorityClass: .integer(facts.directives.priority.level)
        case .priorityOffset: .integer(facts.directives.priority.offset)
        case .isRedispatched: .bool(facts.isRedispatched)
        case .lastRuleFile:
            facts.lastRuleLine == 0 ? nil : .string(facts.make { $0.append(contentsOf: facts.lastRuleFile) })
        case .lastRuleLine: facts.lastRuleLine == 0 ? nil : .integer(facts.lastRuleLine)
        case .lastEntity: facts.lastRuleLine == 0 ? nil : .string(facts.make { lastEntity(facts, to: &$0) })
        case .termination:
            .string(
                facts.make {
                    $0.append(facts.termination.cause.rawValue)
                    $0.append(facts.termination.phase.rawValue)
                })
        }
    }
    private func lastEntity(_ facts: ExchangeFacts, to out: inout [UInt8]) {
        out.append(contentsOf: facts.lastRuleFile)
        out.append(0x3A)
        TextWriter.append(to: &out) { $0.append(number: facts.lastRuleLine) }
    }
}
