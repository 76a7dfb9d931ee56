// Converters that make digests, and one that compares secrets: (expression, expected), as HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct DigestConverterTests {
    @Test(arguments: [
        ("str(abc),sha1,hex", "A9993E364706816ABA3E25717850C26C9CD0D89D"),
        ("str(abc),sha2,hex", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        ("str(abc),sha2(224),hex", "23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7"),
        ("str(abc),sha2(256),hex,length", "64"), ("str(abc),sha2(384),hex,length", "96"),
        ("str(abc),sha2(512),hex,length", "128"),
        ("str(abc),digest(sha256),hex", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        ("str(abc),digest(SHA256),hex", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
        ("str(abc),digest(md5),hex", "900150983CD24FB0D6963F7D28E17F72"),
        ("str(abc),digest(sha3-256),hex", "3A985DA74FE225B2045C172D6BD390BD855F086E3E9D525B46BFE24511431532"),
        ("str(abc),digest(shake128),hex", "5881092DD818BF5CF8A3DDB793FBCBA7"),
        ("var(txn.empty),sha1,hex", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"),
        ("src,sha1,hex", "11D1DEF534EA1BE07CF4E4CED4B128798AFF7599"),
        ("str(abc),sha1,sha1,hex", "0D3CED9BEC10A777AEC23CCC353A8C08A633045E"),
        ("str(abc),hmac(sha256,a2V5),hex", "9C196E32DC0175F86F4B1CB89289D6619DE6BEE699E4C378E68309ED97A1A6AB"),
        ("str(abc),hmac(sha256,txn.key),hex", "9C196E32DC0175F86F4B1CB89289D6619DE6BEE699E4C378E68309ED97A1A6AB"),
        ("str(abc),hmac(sha256,txn.empty),hex", "FD7ADB152C05EF80DCCF50A1FA4C05D5A3EC6DA95575FC312AE7C5D091836351"),
        ("str(abc),hmac(sha256,txn.name),hex", "7E98CD36CAF24406C3D71152CDF536A1E857003F205E45D7F3F8F4A554DE4852"),
        ("str(abc),hmac(md5,a2V5),hex", "D2FE98063F876B03193AFB49B4979591"),
        ("var(txn.empty),hmac(sha1,a2V5),hex", "F42BB0EEB018EBBD4597AE7213711EC60760843F"),
        ("str(abc),hmac(sha256,txn.none)", nil), ("str(abc),hmac(sha1,txn.five)", nil),
        ("str(Name),secure_memcmp(txn.name)", "1"), ("str(Namf),secure_memcmp(txn.name)", "0"),
        ("str(Nam),secure_memcmp(txn.name)", "0"), ("str(5),secure_memcmp(txn.five)", "0"),
        ("int(5),secure_memcmp(txn.five)", "1"), ("str(Nam),secure_memcmp(txn.none)", nil),
        ("var(txn.empty),secure_memcmp(txn.empty)", "1"),
    ])
    func `Bytes have a digest`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test func `A digest after a code is not the code`() throws {
        let context = try exchangeWithVariables()
        for _ in 0..<3 {
            #expect(try value("str(abc),hmac(md5,a2V5),hex", context) == "D2FE98063F876B03193AFB49B4979591")
            #expect(try value("str(abc),digest(md5),hex", context) == "900150983CD24FB0D6963F7D28E17F72")
            #expect(
                try value("str(abc),hmac(sha256,txn.empty),hex", context)
                    == "FD7ADB152C05EF80DCCF50A1FA4C05D5A3EC6DA95575FC312AE7C5D091836351")
        }
    }

    @Test(arguments: [
        ("str(a),sha2(100)", "SHA-2 has no digest of 100 bits"),
        ("str(a),digest(foo)", "OpenSSL knows no digest 'foo' here"),
        ("str(a),digest", "'digest' lacks an argument"), ("str(a),hmac(sha256)", "'hmac' lacks an argument"),
        ("str(a),hmac(sha256,x)", "'x' is not in base64"),
        ("str(a),hmac(foo,a2V5)", "OpenSSL knows no digest 'foo' here"),
        ("str(a),secure_memcmp(x)", "'x' names no variable: its scope is missing"),
        ("str(a),sha1(1)", "'sha1' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
