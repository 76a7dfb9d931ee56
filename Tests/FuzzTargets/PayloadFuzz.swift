// Samples and converters on unchecked bytes: JSON, MQTT, FIX, Protocol Buffers, TLS hellos, and
// RDP cookies.

import Configuration
import Expressions
import HTTP
import LogFormat

/// Bytes of a client and of its server, passed through every parser that rules can use.
struct PayloadFuzz {
    private let bytes: [UInt8]
    /// Whether more bytes may follow.
    private let mayGrow: Bool

    init(_ bytes: [UInt8], _ choice: UInt8) {
        self.bytes = bytes
        mayGrow = choice & 1 == 1
    }

    private static let expressions = [
        "req.len", "req.ssl_hello_type", "req.ssl_ver", "req.ssl_sni", "req.ssl_alpn", "req.ssl_ec_ext",
        "req.ssl_st_ext", "req.ssl_cipherlist,hex", "req.ssl_supported_groups,hex", "req.ssl_sigalgs,hex",
        "req.ssl_keyshare_groups,hex", "res.ssl_hello_type", "req.rdp_cookie", "req.rdp_cookie(mstshash)",
        "req.rdp_cookie_cnt", "req.proto_http", "req.payload_lv(0,1)", "req.payload_lv(0,2,+1)",
        "req.payload(0,0),json(utf8s)", "req.payload(0,0),json_query('$.a')",
        "req.payload(0,0),json_query('$.a.b[1].c')",
        "req.payload(0,0),json_query('$[0]',int)", "req.payload(0,0),mqtt_is_valid",
        "req.payload(0,0),mqtt_field_value(connect,client_identifier)",
        "req.payload(0,0),mqtt_field_value(connect,username)", "req.payload(0,0),mqtt_field_value(connect,password)",
        "req.payload(0,0),mqtt_field_value(connect,will_topic)", "req.payload(0,0),mqtt_field_value(connack,17)",
        "req.payload(0,0),fix_is_valid", "req.payload(0,0),fix_tag_value(MsgType)",
        "req.payload(0,0),fix_tag_value(56)",
        "req.payload(0,0),protobuf(1)", "req.payload(0,0),protobuf(1.2,int32)", "req.payload(0,0),protobuf(3)",
        "req.payload(0,0),protobuf(2,fixed64)", "req.payload(0,0),ungrpc(1.2)", "req.payload(0,0),ungrpc(1,sint32)",
    ]

    /// One format per line: each must compile.
    private static let formats: [LogFormat] = expressions.map { expression in
        do {
            return try LogFormat(Word("%[\(expression)]", at: SourceRange(file: "fuzz", line: 1)))
        } catch {
            preconditionFailure("\(expression): \(error)")
        }
    }

    func run() {
        let whole = Self.formats.map { read($0, bytes) }
        for (format, text) in zip(Self.formats, whole) {
            precondition(read(format, bytes) == text, "read again, it says something else")
            precondition(text.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a control character in a line")
        }
        // With any first bytes, a parser must not read past the end.
        for count in Set([0, 1, bytes.count / 2, max(0, bytes.count - 1)]) {
            for format in Self.formats { _ = read(format, Array(bytes.prefix(count))) }
        }
    }

    private func read(_ format: LogFormat, _ bytes: [UInt8]) -> [UInt8] {
        let context = ExchangeContext()
        context.requestPayload = bytes
        context.responsePayload = bytes
        context.mayGrow = mayGrow
        var probe = RequestProbe(limits: HeadLimits())
        probe.look(at: bytes, into: &context.request)
        context.requestProbe = probe
        var out: [UInt8] = []
        format.render(context, into: &out)
        return out
    }
}
