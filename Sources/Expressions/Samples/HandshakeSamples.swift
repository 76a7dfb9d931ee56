// What preceded the first byte of a connection's data: the PROXY protocol header (manual, section 7.3.3,
// `fc_pp_authority` and its like). In `tcp-request connection` rules, which run before it is read, they
// yield nothing.

internal import Basics
internal import Configuration
internal import ProxyProtocol

enum HandshakeSample: SampleFamily {
    case hasProxyHeader
    /// What the header says under a type.
    case headerValue(UInt8)

    static let rows: [SampleRow] = [
        row(
            "fc_rcvd_proxy", .bool, .hasProxyHeader,
            "Whether the client's connection began with a PROXY protocol header."
        ),
        row(
            "fc_pp_authority", .string, .headerValue(TypedValues.authority),
            "The host name that the client asked the proxy for, as its PROXY protocol header has it."),
        row(
            "fc_pp_unique_id", .string, .headerValue(TypedValues.uniqueID),
            "The connection's name with the proxy, as its PROXY protocol header has it."),
        SampleRow(
            "fc_pp_tlv", "(<type>)", yields: .string, from: .connection,
            summary: "What the PROXY protocol header says under a type: a number, or AUTHORITY, UNIQUE_ID and so on."
        ) { (arguments, _) throws(ConfigProblem) in
            let text = try arguments.string("a type")
            guard let type = TypedValues.type(named: text) else {
                throw arguments.problem(
                    "'\(text)' is no type of a value",
                    expected: "0 to 255, 0x…, or \(TypedValues.names.map(\.name).joined(separator: ", "))")
            }
            return .handshake(.headerValue(type))
        },
    ]

    private static func row(
        _ name: String, _ type: SampleType, _ sample: HandshakeSample, _ summary: String
    ) -> SampleRow {
        SampleRow(name, yields: type, from: .connection, .handshake(sample), summary: summary)
    }

    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        switch self {
        case .hasProxyHeader: return .bool(context.headerValues != nil)
        case .headerValue(let type):
            guard let values = context.headerValues, let value = values.next(type, from: &cursor.offset) else {
                return nil
            }
            cursor.hasMore = cursor.isIterating
            return .string(context.make { $0 += value })
        }
    }
}
