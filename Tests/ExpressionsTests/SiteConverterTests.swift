// Converters that ask the site, and those that keep a value for the log.

import Basics
import Configuration
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct SiteConverterTests {
    /// Knows the frontend `www`, the backend `shop` and its server `one`.
    private final class Site: RuntimeState {
        func number(_ what: SiteNumber, ofFrontend index: Int) -> Int { 0 }
        func number(_ what: SiteNumber, ofBackend index: Int) -> Int { what == .usableServers ? 2 : 0 }
        func number(_ what: SiteNumber, ofServer index: Int, in backend: Int) -> Int {
            what == .queue ? 7 : what == .isUp ? 1 : 0
        }
        func wallTime() -> WallTime { WallTime(seconds: 1_000_000_000) }
        func randomNumber() -> UInt64 { 1 << 63 }
        func number(_ what: SiteNumber) -> Int { 0 }
        func defaultBackend(ofFrontend index: Int) -> Int? { nil }
        func matchesWereUndecided(_ count: Int, in rule: String?, for context: ExchangeContext) {}
        func appendName(ofBackend index: Int, to out: inout [UInt8]) {}
        func place(of reference: SiteReference, for context: ExchangeContext) -> SitePlace? {
            switch (reference.kind, reference.name) {
            case (.frontend, "www"), (.backend, "shop"), (_, ""): SitePlace(0)
            case (.server, "shop/one"): SitePlace(0, server: 0)
            default: nil
            }
        }
        func place(named name: [UInt8], _ kind: SiteReference.Kind, for context: ExchangeContext) -> SitePlace? {
            switch (kind, String(decoding: name, as: UTF8.self)) {
            case (.frontend, "www"), (.backend, "shop"): SitePlace(0)
            case (.server, "shop/one"): SitePlace(0, server: 0)
            default: nil
            }
        }
        func connections(toSocketOf context: ExchangeContext) -> Int? { nil }
        func measure(_ what: TransportMeasure, ofSocket number: Int32) -> Int? { nil }
    }

    @Test(arguments: [
        ("str(shop),nbsrv", "2"), ("str(none),nbsrv", nil), ("var(txn.empty),nbsrv", nil),
        ("str(shop/one),srv_queue", "7"),
        ("str(shop/two),srv_queue", nil), ("str(/one),srv_queue", nil), ("str(shop/one),srv_is_up", "1"),
        ("str(none/one),srv_is_up", nil), ("str(www),fe_exists", "1"), ("str(shop),fe_exists", "0"),
        ("var(txn.empty),fe_exists", "0"), ("src,nbsrv", nil),
    ])
    func `The site is asked by a name that is computed`(expression: String, expected: String?) throws {
        let context = try exchangeWithVariables()
        #expect(try value(expression, context) == nil)
        context.site = Site()
        #expect(try value(expression, context) == expected)
    }

    @Test func `A value is kept on its way`() throws {
        let context = try exchangeWithVariables()
        #expect(try value("str(abc),capture-req(0)", context) == nil)
        context.requestCaptures.begin([4, 2])
        context.responseCaptures.begin([3])
        #expect(try value("str(abcdef),capture-req(0)", context) == "abcdef")
        #expect(try value("int(12345),capture-req(1),length", context) == "5")
        #expect(try value("path,capture-res(0)", context) == "/cart/items.php")
        #expect(try value("str(a),capture-req(2)", context) == nil)
        #expect(try value("str(a),capture-res(1)", context) == nil)
        #expect(context.requestCaptures.values[0] == Array("abcd".utf8))
        #expect(context.requestCaptures.values[1] == Array("12".utf8))
        #expect(context.responseCaptures.values[0] == Array("/ca".utf8))
    }

    @Test(arguments: [
        ("str(a),capture-req", "'capture-req' lacks an argument"),
        ("str(a),capture-res(-1)", "'-1' is not the number of a declared capture"),
        ("str(a),nbsrv(1)", "'nbsrv' takes no argument '1'"),
        ("str(a),srv_queue(1)", "'srv_queue' takes no argument '1'"),
        ("str(a),srv_is_up(1)", "'srv_is_up' takes no argument '1'"),
        ("str(a),fe_exists(1)", "'fe_exists' takes no argument '1'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
