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
        row("res.ver", .string, .responseHead, .responseVersion, "The response's HTTP version: 1.0, 1.1 or 2.0."),
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
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .frontendName: .string(context.make { $0.append(context.frontendName) })
        case .backendName: .string(context.make { $0.append(context.backendName) })
        case .serverName: .string(context.make { $0.append(context.serverName) })
        case .uniqueID:
            context.uniqueID.isEmpty ? nil : .string(context.make { $0.append(contentsOf: context.uniqueID) })
        case .status: context.statusSoFar >= 0 ? .integer(context.statusSoFar) : nil
        case .finalStatus: .integer(context.outcome.status)
        case .serverStatus: context.outcome.serverStatus >= 0 ? .integer(context.outcome.serverStatus) : nil
        case .responseVersion:
            .string(context.make { $0.append(context.response.version.number) })
        case .retries: .integer(context.outcome.retries)
        case .priorityClass: .integer(context.directives.priority.level)
        case .priorityOffset: .integer(context.directives.priority.offset)
        case .isRedispatched: .bool(context.outcome.isRedispatched)
        case .lastRuleFile:
            context.lastRuleLine == 0 ? nil : .string(context.make { $0.append(contentsOf: context.lastRuleFile) })
        case .lastRuleLine: context.lastRuleLine == 0 ? nil : .integer(context.lastRuleLine)
        case .lastEntity: context.lastRuleLine == 0 ? nil : .string(context.make { lastEntity(context, to: &$0) })
        case .termination:
            .string(
                context.make {
                    $0.append(context.outcome.termination.cause.rawValue)
                    $0.append(context.outcome.termination.phase.rawValue)
                })
        }
    }
    private func lastEntity(_ context: ExchangeContext, to out: inout [UInt8]) {
        out.append(contentsOf: context.lastRuleFile)
        out.append(0x3A)
        TextWriter.append(to: &out) { $0.append(number: context.lastRuleLine) }
    }
}
