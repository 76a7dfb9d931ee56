// MQTT's first packets: (packet, expression, expected). But for properties that are not there, of which it says 0, HAProxy 2.6
// answers the same.

import Chance
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct MQTTConverterTests {
    /// A value of a packet, given in hexadecimal digits.
    private func value(of packet: String, _ converter: String) throws -> String? {
        try RuleTesting.value("bin(\(packet.replacing(" ", with: ""))),\(converter)", exchange())
    }

    /// CONNECT of 3.1.1 with a will and a login, of 3.1, of 5.0 with properties, of 5.0 with a will that has some.
    private static let login =
        "10 22 0004 4D515454 04 EE 003C 0003 636964 0003 746F70 0003 706179 0003 626F62 0002 7077"
    private static let old = "10 11 0006 4D5149736470 03 02 003C 0003 636964"
    private static let new =
        "10 27 0004 4D515454 05 02 003C 17 11 00000E10 15 0005 534352414D 26 0001 61 0004 62626262 0003 636964"
    private static let will =
        "10 1E 0004 4D515454 05 06 003C 00 0003 636964 07 01 01 18 00000005 0001 74 0001 70"
    private static let connack = "20 02 01 05"
    private static let connack5 = "20 08 00 00 05 12 0002 6162"

    @Test(arguments: [
        (login, "protocol_name", "MQTT"), (login, "protocol_version", "4"), (login, "FLAGS", "238"),
        (login, "keepalive", "60"), (login, "client_identifier", "cid"), (login, "will_topic", "top"),
        (login, "will_payload", "pay"), (login, "username", "bob"), (login, "password", "pw"), (login, "17", nil),
        (old, "protocol_name", "MQIsdp"), (old, "protocol_version", "3"), (old, "username", nil),
        (old, "will_topic", nil), (new, "protocol_version", "5"), (new, "17", "3600"), (new, "21", "SCRAM"),
        (new, "22", nil), (new, "client_identifier", "cid"), (will, "1", "1"), (will, "24", "5"),
        (will, "will_topic", "t"), (will, "will_payload", "p"), (connack, "flags", nil),
    ])
    func `A client's fields`(packet: String, field: String, expected: String?) throws {
        #expect(try value(of: packet, "mqtt_field_value(connect,\(field))") == expected)
        #expect(try value(of: packet, "mqtt_field_value(1,\(field))") == expected)
    }

    @Test(arguments: [
        (connack, "flags", "1"), (connack, "reason_code", "5"), (connack, "protocol_version", "4"),
        (connack, "18", nil),
        (connack5, "flags", "0"), (connack5, "reason_code", "0"), (connack5, "protocol_version", "5"),
        (connack5, "18", "ab"), (login, "flags", nil),
    ])
    func `A broker's fields`(packet: String, field: String, expected: String?) throws {
        #expect(try value(of: packet, "mqtt_field_value(CONNACK,\(field))") == expected)
        #expect(try value(of: packet, "mqtt_field_value(2,\(field))") == expected)
    }

    @Test(arguments: [
        (login, true), (old, true), (new, true), (will, true), (connack, true), (connack5, true),
        // What follows is another packet.
        (old + "7878", true), ("20 03 00 00 00", true),
        // No packet that is first, a flag that is reserved, another name, another version, flags without their fields.
        ("30 04 0001 74 78", false), ("C0 00", false), ("00 00", false), ("11 02 0000", false), ("47455420", false),
        ("10 0F 0004 4D515458 04 02 003C 0003 636964", false), ("10 0F 0004 4D515454 06 02 003C 0003 636964", false),
        ("10 0F 0004 4D515454 04 03 003C 0003 636964", false), ("10 0F 0004 4D515454 04 82 003C 0003 636964", false),
        ("20 02 02 00", false), ("20 01 00", false),
        // Bytes too many within it, a length of five bytes, a property twice, one that is not known, one that is elsewhere.
        ("10 11 0004 4D515454 04 02 003C 0003 636964 7878", false), ("10 FFFFFFFF 01", false),
        ("10 1A 0004 4D515454 05 02 003C 0A 11 00000001 11 00000002 0003 636964", false),
        ("10 12 0004 4D515454 05 02 003C 02 63 01 0003 636964", false),
        ("10 12 0004 4D515454 05 02 003C 02 25 01 0003 636964", false),
        ("10 0E 0004 4D515454 05 02 0000 7F 0001 78", false),
    ])
    func `A packet is told from what is none`(packet: String, isValid: Bool) throws {
        #expect(try value(of: packet, "mqtt_is_valid") == (isValid ? "1" : "0"))
    }

    @Test func `A packet is undecided until its last byte`() throws {
        for packet in [Self.login, Self.old, Self.new, Self.will, Self.connack, Self.connack5] {
            let digits = packet.replacing(" ", with: "")
            for count in stride(from: 0, to: digits.count, by: 2) {
                let context = try exchange()
                context.mayGrow = true
                let part = count == 0 ? "str()" : "bin(\(digits.prefix(count)))"
                #expect(try RuleTesting.value("\(part),mqtt_is_valid", context) == nil, "\(count / 2) bytes")
                #expect(context.isUndecided)
                context.mayGrow = false
                context.isUndecided = false
                #expect(try RuleTesting.value("\(part),mqtt_is_valid", context) == nil)
                #expect(!context.isUndecided)
            }
        }
    }

    @Test func `However a packet is changed, nothing is read beyond it`() throws {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2_000 {
            let digits = [Self.login, Self.new, Self.will, Self.connack5].randomElement(using: &random)!
            var characters = Array(digits.replacing(" ", with: ""))
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<characters.count, using: &random)
                characters[place] = "0123456789ABCDEF".randomElement(using: &random)!
            }
            let packet = String(characters)
            for converter in ["mqtt_is_valid", "mqtt_field_value(connect,password)", "mqtt_field_value(connack,18)"] {
                _ = try value(of: packet, converter)
            }
        }
    }

    @Test(arguments: [
        ("bin(00),mqtt_field_value", "'mqtt_field_value' lacks an argument"),
        ("bin(00),mqtt_field_value(publish,flags)", "'publish' is no packet that is known here"),
        ("bin(00),mqtt_field_value(connect,reason_code)", "a connect has no field 'reason_code'"),
        ("bin(00),mqtt_field_value(connect,38)", "a connect has no field '38'"),
        ("bin(00),mqtt_field_value(connack,24)", "a connack has no field '24'"),
        ("bin(00),mqtt_is_valid(1)", "'mqtt_is_valid' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
