// `option grpc-check`: gRPC's health checking protocol, one call of `grpc.health.v1.Health/Check` over HTTP/2.
//
// The call is a request whose content is a message of protocol buffers behind a prefix of five bytes: whether it is compressed, and
// its length. The answer's trailers have the status of the call (gRPC over HTTP2, "Responses").

internal import Basics
internal import Configuration
internal import HTTP

extension CheckScript {
    /// Asks for the health of a service; the empty name is the whole server.
    static func askingGRPC(service: [UInt8]) -> CheckScript {
        var connection = CheckConnection.implied
        connection.speaksHTTP2 = true
        var check = HTTPCheck()
        check.method = "POST"
        check.target = "/grpc.health.v1.Health/Check"
        check.headers = ["content-type: application/grpc", "te: trailers"]
        check.body = String(verbatim: GRPCHealthCheck.request(service))
        return CheckScript([
            CheckStep(.connect(connection)), CheckStep(.ask(check)), CheckStep(.expect(CheckExpectation(.grpcHealth))),
        ])
    }
}

enum GRPCHealthCheck {
    /// Bytes that a service's name may have: one byte says how long the message is.
    static let nameBytesMax = 125

    /// `HealthCheckRequest { string service = 1; }` behind its prefix.
    static func request(_ service: [UInt8]) -> [UInt8] {
        let message = service.isEmpty ? [] : [0x0A, UInt8(service.count)] + service
        return [0, 0, 0, 0, UInt8(message.count)] + message
    }

    /// What a whole answer says.
    static func read(_ answer: borrowing CheckAnswer) -> CheckReply.Outcome {
        let status = answer.head.status
        guard status == 200 else {
            return .fails(.layer7Status, status: status, info: HTTPCheckAnswer.text(answer.head.reason))
        }
        // Without content the head has what trailers have otherwise.
        let code = field("grpc-status", in: answer.trailers) ?? field("grpc-status", of: answer)
        guard let code, let number = Int(code), (0...16).contains(number) else {
            return .fails(.layer7Response, status: status, info: "the answer is not gRPC's")
        }
        guard number == 0 else {
            let message = field("grpc-message", in: answer.trailers) ?? field("grpc-message", of: answer) ?? ""
            let words = "gRPC status \(number) (\(names[number]))" + (message.isEmpty ? "" : ": \(message)")
            return .fails(.layer7Status, status: status, info: words)
        }
        guard let health = serving(answer.content) else {
            return .fails(.layer7Response, status: status, info: "the answer is no message about health")
        }
        switch health {
        case 1: return .passes(status: status, info: "SERVING")
        case 2: return .fails(.layer7Status, status: status, info: "NOT_SERVING")
        case 3: return .fails(.layer7Status, status: status, info: "SERVICE_UNKNOWN")
        default: return .fails(.layer7Status, status: status, info: "UNKNOWN")
        }
    }

    /// The status of calls, by number.
    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]

    // MARK: Messages

    /// The number in `HealthCheckResponse { ServingStatus status = 1; }`, which is 0 where the field is missing; nil if these bytes are
    /// no such message.
    private static func serving(_ content: [UInt8]) -> UInt64? {
        guard content.count >= 5, content[0] == 0 else { return nil }
        let count = content[1...4].reduce(0) { $0 << 8 | Int($1) }
        guard content.count == 5 + count else { return nil }
        var rest = content[5...]
        var status: UInt64 = 0
        while !rest.isEmpty {
            guard let key = number(&rest) else { return nil }
            switch key & 7 {
            case 0:
                guard let value = number(&rest) else { return nil }
                if key == 8 { status = value }
            case 1: guard skip(8, &rest) else { return nil }
            case 2:
                guard let count = number(&rest), count <= UInt64(Int.max), skip(Int(count), &rest) else { return nil }
            case 5: guard skip(4, &rest) else { return nil }
            default: return nil
            }
        }
        return status
    }

    /// A number of seven bits a byte, the lowest first.
    private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return nil
    }

    private static func skip(_ count: Int, _ bytes: inout ArraySlice<UInt8>) -> Bool {
        guard bytes.count >= count else { return false }
        bytes = bytes.dropFirst(count)
        return true
    }

    // MARK: Fields

    private static func field(_ name: String, in trailers: [UInt8]) -> String? {
        for line in trailers.split(separator: 0x0A) {
            let text = HTTPCheckAnswer.text(unsafe Array(line).span.bytes)
            guard let colon = text.firstIndex(of: ":"), text[..<colon].lowercased() == name else { continue }
            return text[text.index(after: colon)...].filter { $0 != "\r" }.drop { $0 == " " }.description
        }
        return nil
    }

    private static func field(_ name: String, of answer: borrowing CheckAnswer) -> String? {
        for i in 0..<answer.head.fields.count
        where HTTPCheckAnswer.text(answer.head.fields.name(i)).lowercased() == name {
            return HTTPCheckAnswer.text(answer.head.fields.value(i))
        }
        return nil
    }
}
