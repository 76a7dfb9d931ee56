// Converters of bytes: (expression, expected), as the manual has them and HAProxy 2.6 answers. Where bytes are wanted that
// cannot stand in a line, `b64dec` makes them: AQIDBAUGBw== is 01020304050607.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct BinaryConverterTests {
    @Test(arguments: [
        ("str(abc),hex", "616263"), ("var(txn.empty),hex", ""), ("int(258),hex", "0000000000000102"),
        ("bool(1),hex", "0000000000000001"), ("src,hex", "7F000001"), ("method,hex", "474554"),
        ("str(6162),hex2i", "24930"), ("str(ff),hex2i", "255"), ("str(FFFFFFFFFFFFFFFF),hex2i", "-1"),
        ("str(7FFFFFFFFFFFFFFF),hex2i", "9223372036854775807"), ("str(1FFFFFFFFFFFFFFFF),hex2i", "-1"),
        ("str(f),hex2i", "15"), ("var(txn.empty),hex2i", "0"), ("str(zz),hex2i", nil), ("str(fz),hex2i", nil),
        ("str(0x1f),hex2i", nil), ("str(' 1f'),hex2i", nil), ("str(-1),hex2i", nil),
        ("int(1),htonl,hex", "00000001"), ("int(-1),htonl,hex", "FFFFFFFF"), ("int(4294967297),htonl,hex", "00000001"),
        ("src,htonl,hex", "7F000001"),
        ("str(AQIDBAUGBw==),b64dec,be2dec(:,2)", "258:772:1286:7"),
        ("str(AQIDBAUGBw==),b64dec,be2dec(-,2,1)", "258-772-1286"),
        ("str(AQIDBAUGBw==),b64dec,be2dec(,2,1)", "2587721286"), ("src,be2dec(.,1)", "127.0.0.1"),
        ("int(-1),be2dec(.,8)", "18446744073709551615"), ("var(txn.empty),be2dec(.,8)", ""),
        ("str(AQIDBAUGBw==),b64dec,be2hex", "01020304050607"),
        ("str(AQIDBAUGBw==),b64dec,be2hex(:,2)", "0102:0304:0506:07"),
        ("str(AQIDBAUGBw==),b64dec,be2hex(--,2,1)", "0102--0304--0506"),
        ("str(AQIDBAUGBwg=),b64dec,be2hex(,3,1)", "010203040506"), ("str(q83v),b64dec,be2hex(:,1)", "AB:CD:EF"),
        ("var(txn.empty),be2hex(:,1)", ""),
    ])
    func `Bytes become digits`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // Newer than 2.6.
    @Test(arguments: [
        ("str(AQIDBAUGBw==),b64dec,le2dec(:,2)", "513:1027:1541:7"),
        ("str(AQIDBAUGBw==),b64dec,le2dec(-,2,1)", "513-1027-1541"),
        ("str(AQIDBAUGBw==),b64dec,le2dec(,2,1)", "51310271541"), ("src,le2dec(.,1)", "127.0.0.1"),
        ("src,base2", "01111111000000000000000000000001"), ("str(a),base2", "01100001"), ("var(txn.empty),base2", ""),
    ])
    func `Bytes in the ways of newer versions`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),base64", "YQ=="), ("str(ab),base64", "YWI="), ("str(abc),base64", "YWJj"),
        ("str(abcd),base64", "YWJjZA=="),
        ("var(txn.empty),base64", ""), ("str(+/8=),b64dec,base64", "+/8="), ("str(+/8=),b64dec,ub64enc", "-_8"),
        ("str(a),ub64enc", "YQ"), ("str(ab),ub64enc", "YWI"), ("var(txn.empty),ub64enc", ""),
        ("int(1),base64", "AAAAAAAAAAE="),
        ("str(YQ==),b64dec", "a"), ("str(YWI=),b64dec", "ab"), ("str(YWJj),b64dec", "abc"), ("str(YR==),b64dec", "a"),
        ("str(YWJj=),b64dec", nil), ("str(YQ),b64dec", nil), ("str(Y),b64dec", nil), ("str(YW Jj),b64dec", nil),
        ("str(YW-_),b64dec", nil), ("str(Y=Q=),b64dec", nil), ("var(txn.empty),b64dec", ""),
        ("str(YW+/),b64dec,hex", "616FBF"),
        ("str(YW-_),ub64dec,hex", "616FBF"), ("str(YW+/),ub64dec", nil), ("str(YQ),ub64dec", "a"),
        ("str(YWI),ub64dec", "ab"),
        ("str(Y),ub64dec", nil), ("str(YR),ub64dec", "a"), ("str(YWJj=),ub64dec", nil), ("var(txn.empty),ub64dec", ""),
    ])
    func `Base64 both ways`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // HAProxy 2.6 takes these, and makes bytes of the third that are not in it.
    @Test(arguments: ["str(Y===),b64dec", "str(YWJjYQ==YWJj),b64dec", "str(YQ==),ub64dec"])
    func `Padding where none belongs is a mistake`(expression: String) throws {
        #expect(try value(expression) == nil)
    }

    @Test(arguments: [
        ("str(a),be2dec", "'be2dec' lacks an argument"), ("str(a),be2dec(.)", "'be2dec' lacks an argument"),
        ("str(a),be2dec(.,9)", "'9' is not a number of bytes, at most 8"),
        ("str(a),le2dec(.,0)", "'0' is not a number of bytes, at most 8"),
        ("str(a),be2hex(:)", "'be2hex' lacks an argument"), ("str(a),be2hex(:,0)", "'0' is not a number of bytes"),
        ("str(a),be2hex(:,1,2)", "'2' is not 0 or 1"), ("str(a),hex(1)", "'hex' takes no argument '1'"),
        ("str(a),base64(1)", "'base64' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
