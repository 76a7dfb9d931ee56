// Converters of text: (expression, expected), as the manual has them and HAProxy 2.6 answers, except where a comment
// says that they are newer.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct TextConverterTests {
    @Test(arguments: [
        ("str(MiXed),lower", "mixed"), ("str(MiXed),upper", "MIXED"), ("str(abc),length", "3"),
        ("var(txn.empty),length", "0"),
        ("str(\"  ab \"),ltrim(' ')", "ab "), ("str(xxabx),ltrim(x)", "abx"), ("str(xyabx),ltrim(yx)", "abx"),
        ("str(xxx),ltrim(x)", ""), ("var(txn.empty),ltrim(x)", ""), ("path,ltrim(/)", "cart/items.php"),
        ("str(xxabx),rtrim(x)", "xxab"), ("str(xxx),rtrim(x)", ""), ("var(txn.empty),rtrim(x)", ""),
        ("int(7100),rtrim(0)", "71"),
        ("bool(true),iif(a,b)", "a"), ("bool(false),iif(a,b)", "b"), ("int(2),iif(a,b)", "a"), ("str(1),iif(a,b)", "a"),
        ("str(x),iif(a,b)", "b"), ("int(1),iif(,b)", ""), ("int(0),iif(,b)", "b"), ("ssl_fc,iif(https,http)", "http"),
        ("str(abc),cut_crlf", "abc"), ("str(YQ0KYg==),b64dec,cut_crlf", "a"), ("str(YQpi),b64dec,cut_crlf", "a"),
        ("str(DQo=),b64dec,cut_crlf", ""),
        ("str(a),concat(b)", "ab"), ("str(a),concat(b,txn.name,c)", "abNamec"), ("str(a),concat(,txn.none,c)", "ac"),
        ("str(a),concat", "a"), ("str(a),concat('b c',txn.five)", "ab c5"), ("str(a),concat(,,',(')", "a,("),
        ("str(a),concat(<ip=,txn.five,>),concat(<dn=,txn.name,>)", "a<ip=5><dn=Name>"),
        ("str(a),add_item(;,txn.name)", "a;Name"), ("var(txn.empty),add_item(;,txn.name)", "Name"),
        ("str(a),add_item(;,txn.none)", "a"), ("str(a),add_item(;,txn.none,x)", "a;x"),
        ("str(a),add_item(;,txn.empty,)", "a"), ("str(a),add_item(;,,x)", "a;x"),
        ("var(txn.empty),add_item(;,,x)", "x"), ("str(a),add_item(',',txn.five,'(site1)')", "a,5(site1)"),
        ("str(a),add_item(,txn.name)", "aName"),
    ])
    func `Text becomes other text`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    // Newer than 2.6.
    @Test(arguments: [
        ("str(example.com),reverse", "moc.elpmaxe"), ("str('ab cd'),reverse", "dc ba"), ("var(txn.empty),reverse", ""),
        ("str(example.com),reverse_dom", "com.example"), ("str(mail.example.com),reverse_dom", "com.example.mail"),
        ("str(example.com.),reverse_dom", "com.example"), ("str(com),reverse_dom", "com"),
        ("str(a..b),reverse_dom", nil), ("str(.a),reverse_dom", nil), ("str(.),reverse_dom", nil),
        ("var(txn.empty),reverse_dom", nil), ("str(a..),reverse_dom", nil),
        ("str(abc),has_ctl", "0"), ("str(YQli),b64dec,has_ctl", "0"), ("str(YQli),b64dec,has_ctl(any)", "1"),
        ("str(YQpi),b64dec,has_ctl", "1"), ("str(fw==),b64dec,has_ctl", "1"), ("str(fw==),b64dec,has_ctl(http)", "0"),
        ("str(AGE=),b64dec,has_ctl(http)", "1"), ("str(fw==),b64dec,has_ctl(0x100002401)", "1"),
        ("str(YQli),b64dec,has_ctl(512)", "1"), ("str(/w==),b64dec,has_ctl(any)", "0"),
    ])
    func `Text in the ways of newer versions`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),ltrim", "'ltrim' lacks an argument"), ("str(a),rtrim('')", "'rtrim' lacks an argument"),
        ("bool(1),iif(a)", "'iif' lacks an argument"),
        ("str(a),concat(b,x)", "'x' names no variable: its scope is missing"),
        ("str(a),concat(b,txn.x,c,d)", "'concat' takes no argument 'd'"),
        ("str(a),add_item", "'add_item' lacks an argument"), ("str(a),add_item(;)", "'add_item' adds nothing"),
        ("str(a),add_item(;,,)", "'add_item' adds nothing"),
        ("str(a),has_ctl(x)", "'x' is no mask of control characters"),
        ("str(a),has_ctl(0x200000000)", "'0x200000000' is no mask of control characters"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }

    @Test func `A chain that makes text longer at each step has an end`() throws {
        let chain = Array(repeating: ",hex", count: 30).joined()
        #expect(try value("str(abc)\(chain)") == nil)
        #expect(try value("str(abc)\(Array(repeating: ",hex", count: 10).joined()),length") == "3072")
    }
}
