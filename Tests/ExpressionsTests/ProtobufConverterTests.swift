// Converters of protocol buffers' messages, given in base64: (expression, expected), as HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ProtobufConverterTests {
    @Test(arguments: [
        // The manual's rectangle: 48.59 and 49.59 are points.
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.1,int32)", "10"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.2,int32)", "-3"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.2,int64)", "-3"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.2,uint32)", "-3"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.2,uint64)", "-3"),
        (
            "str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.2,sint32)",
            "-9223372036854775807"
        ),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(49.59.1,int32)", "300"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(49.59.2,int64)", "8589934592"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(49.59.2,int32)", "8589934592"),
        (
            "str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59),hex",
            "080A10FDFFFFFFFFFFFFFFFF01"
        ),
        (
            "str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48),hex",
            "DA030D080A10FDFFFFFFFFFFFFFFFF01"
        ),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.1),hex", "0A"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.3),hex", nil),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(50),hex", nil),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.1.5),hex", nil),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.1,bool)", "10"),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48.59.1,fixed32)", nil),
        ("str(ggMQ2gMNCAoQ/f//////////AYoDDNoDCQisAhCAgICAIA==),b64dec,protobuf(48,int32)", nil),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1),hex",
            "9601"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1,int32)",
            "150"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1,uint32)",
            "150"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1,sint32)",
            "75"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1,bool)",
            "150"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1,enum)",
            "150"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(2),hex",
            "74657874"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(3),hex",
            "0000000000000E40"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(3,double)",
            "3"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(3,fixed64)",
            "4615626668101337088"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(3,sfixed64)",
            "4615626668101337088"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(4),hex",
            "000020C0"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(4,fixed32)",
            "3223322624"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(4,sfixed32)",
            "-1071644672"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(5,sfixed64)",
            "-7"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(5,fixed64)",
            "-7"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(6,sfixed32)",
            "-8"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(6,fixed32)",
            "4294967288"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(7,sint64)",
            "-3"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(8,bool)",
            "2"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(9,uint64)",
            "-9223372036854775808"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(9,int64)",
            "-9223372036854775808"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(9,int32)",
            "-9223372036854775808"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(9),hex",
            "80808080808080808001"
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(10),hex",
            nil
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(10,int64)",
            nil
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(1,double)",
            nil
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(3,int32)",
            nil
        ),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(2.1),hex",
            nil
        ),
        ("str(AAAAACKCAxDaAw0IChD9//////////8BigMM2gMJCKwCEICAgIAg),b64dec,ungrpc(48.59.1,int32)", "10"),
        ("str(AAAAACKCAxDaAw0IChD9//////////8BigMM2gMJCKwCEICAgIAg),b64dec,ungrpc(49.59.2,int64)", "8589934592"),
        (
            "str(AAAAACKCAxDaAw0IChD9//////////8BigMM2gMJCKwCEICAgIAg),b64dec,ungrpc(48.59),hex",
            "080A10FDFFFFFFFFFFFFFFFF01"
        ),
        ("str(AAAAACKCAxDaAw0IChD9//////////8BigMM2gMJCKwCEICAgIA=),b64dec,ungrpc(49.59),hex", nil),
        ("str(AAAAACKCAxDaAw0IChD9//////////8BigMM2gMJCKwCEICAgIA=),b64dec,ungrpc(48.59),hex", nil),
        ("str(AAAAAAIIAQAAAAACEAI=),b64dec,ungrpc(2,int32)", "2"),
        ("str(AAAAAAIIAQAAAAACEAI=),b64dec,ungrpc(1,int32)", "1"),
        ("var(txn.empty),ungrpc(1),hex", nil),
        ("str(AAAAAA==),b64dec,ungrpc(1),hex", nil),
        ("str(AAAAAAA=),b64dec,ungrpc(1),hex", nil),
        ("str(CxAD),b64dec,protobuf(2,int32)", nil),
        ("str(CIA=),b64dec,protobuf(1),hex", nil),
        ("str(EgVhYg==),b64dec,protobuf(2),hex", nil),
        ("str(CWFi),b64dec,protobuf(1),hex", nil),
        ("var(txn.empty),protobuf(1),hex", nil),
        ("str(DhAD),b64dec,protobuf(2,int32)", nil),
    ])
    func `A field of a message`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // HAProxy 2.6 finds an empty value in a field that breaks off, makes a positive number of a negative one, and reads what
    // is compressed.
    @Test(arguments: [
        ("str(CA==),b64dec,protobuf(1),hex", nil),
        (
            "str(CJYBEgR0ZXh0GQAAAAAAAA5AJQAAIMAp+f////////81+P///zgFQAIIlwFIgICAgICAgICAAVD//////////////wE=),b64dec,protobuf(4,float)",
            "-2"
        ),
        ("str(AQAAACKCAxDaAw0IChD9//////////8BigMM2gMJCKwCEICAgIAg),b64dec,ungrpc(48.59),hex", nil),
    ])
    func `Fields that HAProxy reads in another way`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),protobuf", "'protobuf' lacks an argument"), ("str(a),protobuf(0)", "'0' is no field's number"),
        ("str(a),protobuf(1.x)", "'x' is no field's number"), ("str(a),ungrpc(1.)", "'' is no field's number"),
        ("str(a),protobuf(536870912)", "'536870912' is no field's number"),
        ("str(a),ungrpc(1,foo)", "'foo' is no type here"),
        ("str(a),protobuf(1,string)", "'string' is no type here"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
