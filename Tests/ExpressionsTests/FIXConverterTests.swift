// Converters of FIX messages, given in base64: (expression, expected), as HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct FIXConverterTests {
    @Test(arguments: [
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC4yATk9NQEzNT1BATEwPTE3OAE=),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC4yATk9NQEzNT1BATEwPTAwMAE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9MwEzNT1BATEwPTE3NgE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguMy45ATk9NQEzNT1BATEwPTE4NAE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVhULjEuMQE5PTUBMzU9QQExMD0wMDIB),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNS4wATk9NQEzNT1BATEwPTE3NwE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4wATk9NQEzNT1BATEwPTE3NgE=),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC45ATk9NQEzNT1BATEwPTE4NQE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9MTABNDk9cwEzNT1BATEwPTI1MgE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9OQEzNT1BAXg9MQExMD0xNTcB),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9OAEzNT1BAT0xATEwPTAzNgE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQF4),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQ==),b64dec,fix_is_valid", nil),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEw),b64dec,fix_is_valid", nil),
        ("var(txn.empty),fix_is_valid", nil),
        ("str(OD1GSVguNC4yATk9MTcBMzU9QQExMD0wMDABNDk9cwExMD0wNTAB),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9MTIBMzU9QQE0OT1hPWIBMTA9MTM5AQ==),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC4yATk9OQEzNT1BATA9YQExMD0xMzMB),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9MTEBMzU9QQEwNDk9YQExMD0wMjcB),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC4yAQ==),b64dec,fix_is_valid", nil),
        ("str(eDg9RklYLjQuMgE5PTI1ATM1PUEBNDk9c25kATU2PXRndAExMDA9eAExMD0wMTkB),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNS4wU1AxATk9NQEzNT1BATEwPTEzMwE=),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9NQEzNT1BATEwPTEB),b64dec,fix_is_valid", nil),
        ("str(OD1GSVguNC4yATk9MDA1ATM1PUEBMTA9MDE4AQ==),b64dec,fix_is_valid", "1"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(35)", "A"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(MsgType)", "A"),
        (
            "str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(BeginString)",
            "FIX.4.2"
        ),
        (
            "str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(BodyLength)",
            "25"
        ),
        (
            "str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(SenderCompID)",
            "snd"
        ),
        (
            "str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(TargetCompID)",
            "tgt"
        ),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(CheckSum)", "019"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(100)", "x"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(49)", "snd"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(8)", "FIX.4.2"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(10)", "019"),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(999)", nil),
        ("str(OD1GSVguNC4yATk9MjUBMzU9QQE0OT1zbmQBNTY9dGd0ATEwMD14ATEwPTAxOQE=),b64dec,fix_tag_value(msgtype)", "A"),
        ("str(OD1GSVguNC4yATk9MTUBMzU9QQE0OT1hATQ5PWIBMTA9MjUyAQ==),b64dec,fix_tag_value(49)", "a"),
        ("str(NDk9YQ==),b64dec,fix_tag_value(49)", nil),
        ("str(NDkBNTA9YQE=),b64dec,fix_tag_value(50)", nil),
        ("str(NTA9YQE=),b64dec,fix_tag_value(50)", "a"),
    ])
    func `A FIX message is right, and has values`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // The manual says that values are not empty; HAProxy 2.6 takes the first, and waits for more of the second.
    @Test(arguments: [
        ("str(OD1GSVguNC4yATk9OQEzNT1BATQ5PQExMD0wOTcB),b64dec,fix_is_valid", "0"),
        ("str(OD1GSVguNC4yATk9NAEzNT0BMTA9MTEyAQ==),b64dec,fix_is_valid", "0"),
    ])
    func `An empty value is a mistake`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),fix_tag_value", "'fix_tag_value' lacks an argument"),
        ("str(a),fix_tag_value(foo)", "'foo' is no tag that is known here"),
        ("str(a),fix_tag_value(0)", "'0' is no tag that is known here"),
        ("str(a),fix_is_valid(1)", "'fix_is_valid' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
