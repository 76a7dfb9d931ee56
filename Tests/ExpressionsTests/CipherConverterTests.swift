// AES converters: (expression, expected).

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct CipherConverterTests {
    /// Twelve, sixteen, 24 and 32 bytes in base64.
    private static let nonce = "MDEyMzQ1Njc4OWFi"
    private static let keys = [
        128: "MDEyMzQ1Njc4OWFiY2RlZg==", 192: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
        256: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    ]

    /// The test cases 1, 2 and 4 of the specification of GCM (McGrew and Viega).
    @Test(arguments: [
        (
            "var(txn.empty),aes_gcm_enc(128,AAAAAAAAAAAAAAAA,AAAAAAAAAAAAAAAAAAAAAA==,txn.tag),hex,"
                + "concat(/,txn.tag)", "/WOL8zvp+MGE2fx1XpOdFWg=="
        ),
        (
            "bin(00000000000000000000000000000000),aes_gcm_enc(128,AAAAAAAAAAAAAAAA,AAAAAAAAAAAAAAAAAAAAAA==,txn.tag),hex,"
                + "concat(/,txn.tag)", "0388DACE60B6A392F328C2B971B2FE78/q25H1CzsE731OmeyEle93w=="
        ),
        (
            "bin(d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0d"
                + "e657ba637b39),aes_gcm_enc(128,yv66vvrO263eyviI,/v/pkoZlcxxtao+UZzCDCA==,txn.tag,"
                + "/u36zt6tvu/+7frO3q2+76ut2tI=),hex,concat(/,txn.tag)",
            "42831EC2217774244B7221B784D0D49CE3AA212F2C02A4E035C17E2329ACA12E21D514B25466931C7D8F6A5AAC84AA051BA30B396A0AAC97"
                + "3D58E091/W8lPvDIhpduU+ula5xIaRw=="
        ),
    ])
    func `GCM makes what its specification says`(expression: String, expected: String) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [128, 192, 256])
    func `What was encrypted is decrypted, if nobody changed it`(bits: Int) throws {
        let (nonce, key) = (Self.nonce, Self.keys[bits]!)
        for text in ["x", "sixteen bytes ab", "a text that is longer than one block"] {
            for extra in ["", ",YWJj"] {
                let context = try exchangeWithVariables()
                let encrypted = "str(\(text)),aes_gcm_enc(\(bits),\(nonce),\(key),txn.tag\(extra))"
                #expect(try value("\(encrypted),aes_gcm_dec(\(bits),\(nonce),\(key),txn.tag\(extra))", context) == text)
                let other = extra.isEmpty ? ",YWJj" : ""
                #expect(try value("\(encrypted),aes_gcm_dec(\(bits),\(nonce),\(key),txn.tag\(other))", context) == nil)
                #expect(
                    try value(
                        "\(encrypted),aes_gcm_dec(\(bits),\(nonce),\(key),AAAAAAAAAAAAAAAAAAAAAA==\(extra))", context)
                        == nil)
                #expect(try value("\(encrypted),aes_gcm_dec(\(bits),\(nonce),\(key),AAAA\(extra))", context) == nil)
            }
            #expect(
                try value("str(\(text)),aes_cbc_enc(\(bits),\(nonce),\(key)),aes_cbc_dec(\(bits),\(nonce),\(key))")
                    == text)
        }
    }

    // As `openssl enc -aes-128-cbc` has them, with the nonce filled up with zeroes.
    @Test(arguments: [
        ("str(abc),aes_cbc_enc(128,MDEyMzQ1Njc4OWFi,MDEyMzQ1Njc4OWFiY2RlZg==),hex", "456C8614B3BE05F10716F211F7697F92"),
        (
            "str(abc),aes_cbc_enc(256,MDEyMzQ1Njc4OWFiY2RlZg==,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=),hex",
            "F22FFBF1F5C6297BA5D7C44A019F3C93"
        ),
        (
            "str(sixteen bytes ab),aes_cbc_enc(192,MDEyMzQ1Njc4OWFiY2RlZg==,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3),hex",
            "F018EA00AD3429638C7AC932E8A3EFA25319088B49694AD5C0BC1FBC3F82E1BD"
        ),
        ("str(abc),aes_cbc_dec(128,MDEyMzQ1Njc4OWFi,MDEyMzQ1Njc4OWFiY2RlZg==)", nil),
        ("str(sixteen bytes ab),aes_cbc_dec(128,MDEyMzQ1Njc4OWFi,MDEyMzQ1Njc4OWFiY2RlZg==)", nil),
        ("str(abc),aes_cbc_enc(128,txn.none,MDEyMzQ1Njc4OWFiY2RlZg==)", nil),
        ("str(abc),aes_cbc_enc(128,MDEyMzQ1Njc4OWFi,txn.key)", nil),
        ("str(abc),aes_gcm_enc(128,txn.empty,MDEyMzQ1Njc4OWFiY2RlZg==,txn.tag)", nil),
        ("str(abc),aes_gcm_dec(128,MDEyMzQ1Njc4OWFi,MDEyMzQ1Njc4OWFiY2RlZg==,txn.none)", nil),
        ("str(abc),aes_gcm_enc(128,MDEyMzQ1Njc4OWFi,MDEyMzQ1Njc4OWFiY2RlZg==,txn.tag,txn.none)", nil),
    ])
    func `CBC fills up the last block`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),aes_gcm_enc(100,AAAA,AAAA,txn.t)", "'100' is not a number of bits"),
        ("str(a),aes_gcm_enc(129,AAAA,AAAA,txn.t)", "AES has no keys of 129 bits"),
        ("str(a),aes_gcm_enc(128,!,AAAA,txn.t)", "'!' is not in base64"),
        ("str(a),aes_gcm_enc(128,AAAA,AAAA,txn.t)", "the key has 24 bits"),
        ("str(a),aes_gcm_enc(128,AAAA,txn.key,t)", "'t' names no variable: its scope is missing"),
        ("str(a),aes_gcm_dec(128,AAAA,txn.key)", "'aes_gcm_dec' lacks an argument"),
        ("str(a),aes_cbc_enc(128,AAAA,txn.key,AAAA)", "'aes_cbc_enc' takes no argument 'AAAA'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
