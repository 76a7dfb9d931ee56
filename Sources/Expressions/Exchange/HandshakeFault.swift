// Why a client's connection ended during its handshake, with HAProxy's numbers and texts (manual, `fc_err_str`).

public import ProxyProtocol

public enum HandshakeFault: Int, CaseIterable, Sendable {
    /// The client closed, or its connection broke, before the first byte.
    case closed = 11
    case broken = 12
    /// The header was not whole in time.
    case timedOut = 13
    /// The client closed within it, or it is longer than a buffer.
    case truncated = 14
    case noHeader = 15
    case badHeader = 16
    case unknownProtocol = 17

    public init(_ fault: ProxyHeaderFault) {
        self =
            switch fault {
            case .notAHeader: .noHeader
            case .unknownProtocol: .unknownProtocol
            case .tooLong: .truncated
            case .lineTooLong, .badLineEnd, .badFieldCount, .badAddress, .badPort, .badCommand, .badFamily, .tooShort,
                .badValue, .badChecksum:
                .badHeader
            }
    }

    /// HAProxy's name for it (`fc_err_name`).
    public var name: StaticString {
        switch self {
        case .closed: "PRX_EMPTY"
        case .broken: "PRX_ABORT"
        case .timedOut: "PRX_TIMEOUT"
        case .truncated: "PRX_TRUNCATED"
        case .noHeader: "PRX_NOT_HDR"
        case .badHeader: "PRX_BAD_HDR"
        case .unknownProtocol: "PRX_BAD_PROTO"
        }
    }

    /// The words of the log.
    public var text: StaticString {
        switch self {
        case .closed: "Connection closed while waiting for PROXY protocol header"
        case .broken: "Connection error while waiting for PROXY protocol header"
        case .timedOut: "Timeout while waiting for PROXY protocol header"
        case .truncated: "Truncated PROXY protocol header received"
        case .noHeader: "Received something which does not look like a PROXY protocol header"
        case .badHeader: "Received an invalid PROXY protocol header"
        case .unknownProtocol: "Received an unhandled protocol in the PROXY protocol header"
        }
    }
}
