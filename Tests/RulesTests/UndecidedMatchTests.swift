// Regular expressions that come to no result: what that means for each kind of rule, and who is told.

import Basics
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct UndecidedMatchTests {
    /// Twice as many steps for each letter.
    private static let endless = "'^/(a+)+!!'"

    private func padded() throws -> ExchangeContext {
        let context = try exchange(
            "GET /\(String(repeating: "a", count: 60))! HTTP/1.1\nHost: a\nX-Long: /\(String(repeating: "a", count: 60))!\n\n"
        )
        context.regularStepsMax = 1_000
        return context
    }

    private func outcome(_ lines: String, _ context: ExchangeContext, _ family: RuleFamily = .httpRequest) throws
        -> RuleOutcome
    {
        let outcome = try Section(.listen, lines).rules.ruleSet(family).run(on: context)
        #expect(context.scratch.isEmpty)
        return outcome
    }

    /// A `deny` was passed by with some padding.
    @Test(arguments: [
        ("if { path_reg E }", true), ("if !{ path_reg E }", true), ("unless { path_reg E }", true),
        ("unless !{ path_reg E }", true), ("if { path -m reg -i E }", true), ("if { path_reg ^/b E }", true),
        // What is certain decides.
        ("if { path_reg E } { src 10.0.0.0/8 }", true), ("if { path_reg E } { src 11.0.0.0/8 }", false),
        ("if { src 11.0.0.0/8 } { path_reg E }", false), ("if { path_reg E } or { src 11.0.0.0/8 }", true),
        ("if { src 11.0.0.0/8 } or { path_reg E }", true), ("unless { path_reg E } or { src 10.0.0.0/8 }", false),
        ("unless { src 10.0.0.0/8 } or { path_reg E }", false), ("unless { path_reg E } { src 11.0.0.0/8 }", true),
        ("if { path_reg E ^/a }", true), ("if !{ path_reg E ^/a }", false), ("if !{ path_reg ^/a E }", false),
        // A value that was to be made by an expression.
        ("if { \"path,regsub(E,x)\" -m str x }", true), ("if !{ \"path,regsub(E,x)\" -m str x }", true),
        ("if { \"path,regsub(E,x)\" -m found }", true), ("if { req.hdr(x-long) -m reg E }", true),
    ])
    func `A rule that refuses takes it for a match, whichever way it asks`(condition: String, isRefused: Bool) throws {
        let condition = condition.replacing("E", with: Self.endless)
        for action in ["deny", "tarpit", "reject", "silent-drop", "auth", "return status 403"] {
            let outcome = try outcome("http-request \(action) \(condition)", padded())
            if case .proceed = outcome { #expect(!isRefused, "\(action)") } else { #expect(isRefused, "\(action)") }
        }
    }

    @Test func `A list of several lines is certain if one of them is`() throws {
        let lists = "acl bad path_reg \(Self.endless)\nacl bad src 10.0.0.0/8\n"
        guard case .proceed = try outcome(lists + "http-request deny if !bad", padded()) else {
            Issue.record("denied, though the second line holds")
            return
        }
        guard case .denyStatus(403) = try outcome(lists + "http-request deny if bad", padded()) else {
            Issue.record("not denied")
            return
        }
    }

    @Test(arguments: ["allow if { path_reg E }", "allow if !{ path_reg E }", "allow unless { path_reg E }"])
    func `A rule that lets pass does not`(rule: String) throws {
        let rules = "http-request \(rule.replacing("E", with: Self.endless))\nhttp-request deny"
        guard case .denyStatus(403) = try outcome(rules, padded()) else {
            Issue.record("let pass by \(rule)")
            return
        }
    }

    @Test func `Bytes and connections are refused likewise`() throws {
        for family in ["tcp-request content", "http-request"] {
            let context = try padded()
            context.mayGrow = family == "tcp-request content"
            let lines = "\(family) reject if { path_reg \(Self.endless) }"
            let outcome = try outcome(lines, context, family == "http-request" ? .httpRequest : .requestContent)
            guard case .reject = outcome else {
                Issue.record("\(outcome) for \(family)")
                return
            }
        }
    }

    @Test func `Other rules take it for no match`() throws {
        let context = try padded()
        let rules =
            "http-request set-header x-seen yes if { path_reg \(Self.endless) }\n"
            + "http-request set-header x-other yes if !{ path_reg \(Self.endless) }\n"
            + "http-request return status 200 if { path_reg \(Self.endless) }"
        guard case .proceed = try outcome(rules, context) else { throw Unexpected(what: "stopped") }
        #expect(lines(context.request.fields).suffix(1) == ["x-other: yes"])
    }

    @Test(arguments: [
        "replace-header x-long E /", "replace-value x-long E /", "replace-path E /", "replace-uri E /",
        "replace-pathq E /",
        "del-header '^x-(l+)+!!' -m reg",
    ])
    func `A rewrite that was not made has failed`(action: String) throws {
        let context = try exchange(
            "GET /\(String(repeating: "a", count: 60))! HTTP/1.1\nHost: a\nX-Long: /\(String(repeating: "a", count: 60))!\n"
                + "X-Llllllllllllllllllllllllllllllllllllll!: 1\n\n")
        context.regularStepsMax = 1_000
        let rule = "http-request " + action.replacing("E", with: Self.endless)
        guard case .rewriteFailed = try outcome(rule, context) else {
            Issue.record("\(action) let pass")
            return
        }
        let before = context.outcome.failedRewrites
        guard case .proceed = try outcome("http-request strict-mode off\n" + rule, context) else {
            Issue.record("stopped without strict-mode")
            return
        }
        #expect(context.outcome.failedRewrites == before + 1)
    }

    @Test func `A substitution that was not made has no value`() throws {
        #expect(try value("path,regsub('^/(a+)+$',x)", padded()) == nil)
        #expect(try value("path,regsub('(a+)+!!',x,g)", padded()) == nil)
    }

    @Test func `Bytes that are no UTF-8 cannot pass by a pattern that asks for UTF-8`() throws {
        let context = try exchange()
        context.request.fields.append(name: "x-in", String(verbatim: [0x61, 0xE9]))
        guard case .denyStatus = try outcome("http-request deny if { req.hdr(x-in) -m reg '(*UTF)a' }", context) else {
            Issue.record("passed by")
            return
        }
    }

    @Test func `The site is told how often, and of which rule`() throws {
        let context = try padded()
        let site = TestSite()
        context.site = site
        let lists = "acl one path_reg \(Self.endless) '^/(a*)*$'\n"
        _ = try outcome(
            lists + "\n\nhttp-request set-header x y if one\nhttp-request deny if { path_reg \(Self.endless) }", context
        )
        #expect(site.undecided == ["2 in test.cfg:4", "1 in test.cfg:5"])
        context.clear()
        #expect(context.undecidedMatches.count == 0)
    }
}
