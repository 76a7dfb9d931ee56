// Converters that take parts of a text: (expression, expected), as the manual has them and HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct PartConverterTests {
    @Test(arguments: [
        // The manual's examples first.
        ("str(f1_f2_f3__f5),field(5,_)", "f5"), ("str(f1_f2_f3__f5),field(2,_,0)", "f2_f3__f5"),
        ("str(f1_f2_f3__f5),field(2,_,2)", "f2_f3"), ("str(f1_f2_f3__f5),field(-2,_,3)", "f2_f3_"),
        ("str(f1_f2_f3__f5),field(-3,_,0)", "f1_f2_f3"),
        ("str(f1_f2_f3__f5),field(4,_)", ""), ("str(f1_f2_f3__f5),field(6,_)", nil),
        ("str(f1_f2_f3__f5),field(-6,_)", nil), ("str(f1_f2_f3__f5),field(-5,_)", "f1"),
        ("str(f1_f2_f3__f5),field(4,_,5)", "_f5"), ("str(f1_f2_f3__f5),field(-1,_,2)", "_f5"),
        ("str(f1_f2_f3__f5),field(-1,_,9)", "f1_f2_f3__f5"),
        ("str(abc),field(1,_)", "abc"), ("str(abc),field(2,_)", nil), ("str(abc),field(-1,_)", "abc"),
        ("str(abc),field(-2,_)", nil), ("var(txn.empty),field(1,_)", ""), ("var(txn.empty),field(-1,_)", ""),
        ("str(_a_),field(1,_)", ""), ("str(_a_),field(3,_)", ""), ("str(_a_),field(-1,_)", ""),
        ("str(a-b_c),field(2,-_)", "b"), ("path,field(2,/)", "cart"), ("src,field(4,.)", "1"),
        ("str(f1_f2_f3__f5),word(4,_)", "f5"), ("str(f1_f2_f3__f5),word(2,_,0)", "f2_f3__f5"),
        ("str(f1_f2_f3__f5),word(3,_,2)", "f3__f5"), ("str(f1_f2_f3__f5),word(-2,_,3)", "f1_f2_f3"),
        ("str(f1_f2_f3__f5),word(-3,_,0)", "f1_f2"), ("str(/f1/f2/f3/f4),word(1,/)", "f1"),
        ("str(/f1/f2/f3/f4/),word(-1,/)", "f4"), ("str(/f1/f2/f3/f4),word(5,/)", nil),
        ("str(/f1/f2/f3/f4),word(-5,/)", nil), ("str(/f1/f2/f3/f4),word(-4,/)", "f1"),
        ("str(//f1//f2//),word(1,/,0)", "f1//f2//"), ("str(//f1//f2//),word(-1,/,0)", "//f1//f2"),
        ("str(//f1//f2//),word(-1,/,2)", "f1//f2"), ("str(//f1//f2//),word(1,/,2)", "f1//f2"),
        ("str(//f1//f2//),word(1,/,5)", "f1//f2//"), ("str(abc),word(1,_)", "abc"), ("str(abc),word(2,_)", nil),
        ("var(txn.empty),word(1,_)", nil), ("str(___),word(1,_)", nil),
        ("str(abcdef),bytes(2)", "cdef"), ("str(abcdef),bytes(2,3)", "cde"), ("str(abcdef),bytes(2,9)", "cdef"),
        ("str(abcdef),bytes(6)", ""), ("str(abcdef),bytes(7)", ""), ("str(abcdef),bytes(0,0)", ""),
        ("int(258),bytes(6),hex", "0102"), ("src,bytes(0,2),hex", "7F00"),
    ])
    func `A part of a text`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // Newer than 2.6.
    @Test(arguments: [
        ("str(abcdefg),bytes(txn.five)", "fg"), ("str(abcdef),bytes(0,txn.five)", "abcde"),
        ("str(abcdef),bytes(txn.none)", nil), ("str(abcdef),bytes(0,txn.none)", nil),
        ("str(a=b&c=d&a=r),param(a)", "b"), ("str(a&b=c),param(a)", ""), ("str(a=&b&c=a),param(b)", ""),
        ("str(a=1;b=2;c=4),param(b,;)", "2"), ("str(a=1;b=2),param(b,0x3b)", "2"), ("query,param(id)", "7"),
        ("query,param(q)", "a,b"), ("query,param(i)", nil), ("str(aa=1),param(a)", nil), ("str(a=1&),param(a)", "1"),
        ("var(txn.empty),param(a)", nil), ("str(&&a=b=c),param(a)", "b=c"),
    ])
    func `Parts in the ways of newer versions`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test func `Offsets and lengths in variables may make no sense`() throws {
        let context = try exchangeWithVariables()
        let name = try VariableName("txn.five", problem: { _, _, _ in preconditionFailure() })
        for number in [-1, .min, .max] {
            context.set(name, .integer(number))
            #expect(try value("str(abcdef),bytes(txn.five)", context) == "")
            #expect(try value("str(abcdef),bytes(1,txn.five)", context) == (number < 0 ? "" : "bcdef"))
        }
    }

    @Test(arguments: [
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "en;de", "en"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr-CH;de", "fr-CH"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr;de", "fr"), ("fr-CH;q=0.2, de;q=0.7", "fr;de", "de"),
        ("en;q=1.000, de", "de;en", "en"), ("de, en;q=1.000", "de;en", "de"), ("en;q=0.x, de;q=0.1", "en;de", "de"),
        ("de;q=0.5,en;q=x", "en;de", "en"), ("de;q=0.5,en;q=", "en;de", "en"), ("de;q=0.5,en;q=0.500", "en;de", "de"),
        ("de;q=0.5,en;q=0.5009", "en;de", "de"), ("de;q=0.5,en;q=.6", "en;de", "en"),
        ("en ; q=0.5, de;q=0.6", "en;de", "de"),
        ("de;q=0.5,en;x=1;q=0.6", "en;de", "en"), (" en , de", "en;de", "en"), ("de;q=0.9,en;q=1.5", "en;de", "en"),
        ("en-US-x,de;q=0.5", "en-US;de", "en-US"), ("en-US-x,de;q=0.5", "en;de", "en"), (",en", "en", "en"),
        ("en", "en;", "en"), ("EN", "en", nil), ("en_US", "en", nil), ("de", "en", nil), ("de", "en,xx", "xx"),
        ("*", "en", nil), ("*", "en;*", "*"),
        // HAProxy 2.6 finds none here, and `en` for the second.
        ("en;q=0, de;q=0.1", "en;de", "de"), ("en-US", "en;en-US", "en-US"),
    ])
    func `The language that the client likes best`(accepted: String, arguments: String, expected: String?) throws {
        #expect(try value("str(\"\(accepted)\"),language(\(arguments))") == expected)
    }

    @Test(arguments: [
        ("str(a),field(0,_)", "there is nothing at index 0"), ("str(a),field(1,'')", "an argument of 'field' is empty"),
        ("str(a),field(1)", "'field' lacks an argument"),
        ("str(a),field(x,y)", "'x' is not an index: 1 is the first, -1 the last"),
        ("str(a),word(1,x,y)", "'y' is not a count"), ("str(a),word(0,_)", "there is nothing at index 0"),
        ("str(a),bytes", "'bytes' lacks an argument"), ("str(a),bytes(x)", "'x' is neither a number nor a variable"),
        ("str(a),bytes(-1)", "-1 is negative"),
        ("str(a),param", "'param' lacks an argument"), ("str(a),param(a,ab)", "'ab' is no delimiter"),
        ("str(a),param(a,0xZZ)", "'0xZZ' is no delimiter"), ("str(a),language", "'language' lacks an argument"),
        ("str(a),language(;)", "there is no language in ';'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
