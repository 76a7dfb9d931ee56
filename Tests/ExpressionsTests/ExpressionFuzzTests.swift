// Random words through every parser of this room: whatever comes, it is accepted or refused, and never traps.

import Basics
import Chance
import Configuration
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct ExpressionFuzzTests {
    private static let pieces: [String] =
        SampleRow.table.map(\.name) + ConverterRow.table.map(\.name) + LogVariable.allCases.map { "%\($0.rawValue)" }
        + PredefinedLists.names + MatchMethod.allCases.map(\.rawValue) + [
            "(", ")", ",", "[", "]", "%[", "{", "}", " ", "  ", "'", "\\", "%", "%%", "%{+Q}", "%{+X,-E}", "!", "or",
            "||",
            "if", "unless", "-i", "-m", "--", "-f", "host", "x", "1", "-1", ":", "1:2", "10.0.0.0/8", "::1/64", "é",
            "\u{1}", "999999999999999999999", "_beg", "_len", "hdr(host)", "path", "gt", "code", "location", "status",
            "content-type", "string", "lf-string", "hdr", "301", "text/plain",
        ]

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8])
    func `Random lines are accepted or refused`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let context = try exchange("GET /a?b HTTP/1.1\nHost: a\nX: 1, 2\n\n")
        try answer("HTTP/1.1 200 OK\nX: y\n\n", context)
        var accepted = 0
        for _ in 0..<3_000 {
            guard let keyword = RulesKeywords.table.randomElement(using: &random) else { continue }
            var column = 1
            let words = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                let text = (0..<Int.random(in: 1...5, using: &random))
                    .compactMap { _ in Self.pieces.randomElement(using: &random) }
                    .joined()
                defer { column += text.count + 1 }
                // Now and then a length as if quotes and escapes had been there.
                let extra = Int.random(in: 0...3, using: &random)
                return Word(
                    text, at: SourceRange(file: "fuzz", line: 1, column: column, length: max(1, text.count + extra)))
            }
            var draft = Draft(kind: .listen, name: "fuzz", range: SourceRange(file: "fuzz", line: 1))
            var arguments = Arguments(
                words: words, keyword: Word(keyword.name, at: SourceRange(file: "fuzz", line: 1)))
            do throws(ConfigProblem) {
                try keyword.parse(&arguments, &draft)
                accepted += 1
                run(draft, context)
            } catch {
                #expect(!error.message.isEmpty)
                if let range = error.range { #expect(range.column >= 1 && range.length >= 1) }
            }
        }
        #expect(accepted > 50, "seed \(seed): too few lines were accepted to test anything")
    }

    /// Whatever was accepted can also be run.
    private func run(_ draft: Draft, _ context: ExchangeContext) {
        var drafts = [draft]
        var patterns = PatternSets()
        // Of userlists and files there are none, which the plan's builder would report.
        guard drafts[0].resolve(UserLists([])).isEmpty,
            !patterns.resolve(&drafts).contains(where: { $0.severity == .error })
        else { return }
        let draft = drafts[0]
        let rules = draft[RulesSettings.self]
        _ = rules.ruleSet(.httpRequest).run(on: context)
        _ = rules.ruleSet(.httpResponse).run(on: context)
        _ = rules.routing(indices: [:]).choose(for: context)
        let program = RuleProgram(rules.table)
        for list in rules.table.expressions.lists { _ = list.holds(context, program) }
        let log = draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true)
        log.captureRequest(context)
        var line: [UInt8] = []
        log.render(context, into: &line)
        log.renderJSON(context, into: &line)
        // A format's own text may hold control characters, the operator's; no value brings any in.
        #expect(!line.contains { ($0 < 0x20 && $0 != 1) || $0 == 0x7F })
        #expect(context.scratch.isEmpty)
    }

    @Test func `Random messages meet every sample`() throws {
        var random = SeededRandom(seed: 9)
        let context = ExchangeContext()
        let sources = [
            "hdr(a)", "hdr(a,2)", "hdr(a,-2)", "req.fhdr(a)", "hdr_cnt(a)", "hdr_val(a)", "hdr_ip(a)", "path", "query",
            "url",
            "base", "hdr(a),lower", "url,upper,length",
        ]
        let matches = [
            "-m beg /", "-m dir a", "-m dom a.b", "-m sub ,", "-m len gt 3", "-m ip 10.0.0.0/8", "-m int lt 9",
            "-m bool", "-m found",
        ]
        let section = try Section(
            .listen,
            sources.flatMap { source in matches.map { "acl x \(source) \($0)" } }
                .filter { !$0.contains("hdr_ip(a) -m bool") }
                .joined(separator: "\n"))
        let program = RuleProgram(section.rules.table)
        let bytes: [UInt8] = Array(" ,\"\\;a.b/:-+0123456789?=é".utf8)
        for _ in 0..<2_000 {
            context.clear()
            _ = context.request.fields.append(.host, "h")
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let value = (0..<Int.random(in: 0...12, using: &random)).compactMap { _ in
                    bytes.randomElement(using: &random)
                }
                _ = unsafe context.request.fields.append(name: Array("a".utf8).span.bytes, value: value.span.bytes)
            }
            let target =
                "/"
                + String(
                    (0..<Int.random(in: 0...9, using: &random)).compactMap { _ in "ab/?.:".randomElement(using: &random)
                    })
            _ = unsafe context.request.setTarget(Array(target.utf8).span.bytes)
            for criterion in program.expressions.criteria { _ = criterion.holds(context, program) }
            #expect(context.scratch.isEmpty)
        }
    }

    /// What may stand behind a converter's name; each takes the ones that it can.
    private static let arguments = [
        "", "(1)", "(0)", "(-1)", "(txn.x)", "(txn.y,ifexists,iflt)", "(2,_)", "(-2,a,0)", "(a,b)", "(a,,b)",
        "(,txn.x)",
        "(;,txn.x)", "(a,;)", "(en;a,b)", "(utf8)", "(utf8s)", "(utf8ps)", "(.,3)", "(:,2,1)", "(,8,1)", "(1,2)",
        "(txn.x,txn.y)", "($.a[1].b)", "($.a,int)", "($)", "(sha256)", "(sha256,a2V5)", "(md5,txn.x)", "(24,64)", "(8)",
        "(for)", "(host)", "(1.2)", "(1,sint64)", "(3,double)", "(MsgType)", "(%c %G %s %^30A %-5Z %3N %)",
        "(%D,-99999)", "(9,us)", "(any)", "(512)", "(a*,b,g)",
        "(/dev/null,1)", "(/dev/null,10.0.0.1)", "(/dev/null)", "(!error)", "(connect,username)", "(connack,18)",
        "(HS256,secret)", "(txn.name,txn.key)", "(txn.name,secret)", "(128,txn.key,txn.key)",
        "(128,a2V5,MDEyMzQ1Njc4OWFiY2RlZg==)", "(256,a2V5,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=,txn.x)",
        "(192,txn.key,MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3,txn.key,YWJj)",
    ]

    @Test(arguments: [1, 2, 3])
    func `Random values meet every converter`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let context = try exchangeWithVariables()
        context.requestCaptures.begin([3])
        for row in ConverterRow.table {
            var tried = 0
            for arguments in Self.arguments {
                for sample in ["str(a)", "int(1)", "bool(1)", "src"] {
                    guard let (expression, program) = compile("\(sample),\(row.name)\(arguments)") else { continue }
                    tried += 1
                    for _ in 0..<40 {
                        context.withScratch {
                            let value = Self.value(context, using: &random)
                            for i in expression.converters.range {
                                // As it is, and as the type says: converters see the latter only.
                                _ = program.expressions.converters[i].apply(value, context, program).map {
                                    context.withBytes($0.bytes(context)) { $0.byteCount }
                                }
                            }
                        }
                        #expect(context.scratch.isEmpty)
                    }
                    break
                }
            }
            #expect(tried > 0, "nothing stands behind \(row.name)")
        }
    }

    private func compile(_ text: String) -> (Expression, ExpressionProgram)? {
        var text = ExpressionText(Word(text, at: SourceRange(file: "fuzz", line: 1)))
        var table = ExpressionTable()
        guard let expression = try? Expression(&text, &table), text.isAtEnd else { return nil }
        guard (try? readPatterns(&table)) != nil else { return nil }
        return (expression, ExpressionProgram(table))
    }

    /// A value of any type; texts that are nearly what some converter wants among them.
    private static func value(_ context: ExchangeContext, using random: inout SeededRandom) -> SampleValue {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .bool(.random(using: &random))
        case 1: return .integer([0, -1, .min, .max, 784_111_777].randomElement(using: &random) ?? 0)
        case 2: return .integer(Int(truncatingIfNeeded: random.next()))
        case 3: return .address(.v4(UInt32(truncatingIfNeeded: random.next())))
        case 4: return .address(.v6(random.next(), random.next()))
        case 5: return .string(context.all(.target))
        case 6:
            let pieces = [
                "{", "}", "[", "]", "\"a\"", ":", ",", "\\u00", "\\ud800", "-1.5e9", "true", "for=", "\"[::1]", "host=",
                ";",
                "=", "q=0.", "en", "%4", "%", "+", "?", "YWI=", "_", "Sun, 06 Nov 1994 08:49:37 GMT", "::", ".", "f0",
                " ",
            ]
            let text = (0..<Int.random(in: 0...9, using: &random)).compactMap { _ in
                pieces.randomElement(using: &random)
            }
            return .string(context.make { $0 += text.joined().utf8 })
        default:
            let count = Int.random(in: 0...40, using: &random)
            return .string(
                context.make { out in
                    for _ in 0..<count { out.append(UInt8(truncatingIfNeeded: random.next())) }
                })
        }
    }
}

@Suite struct RulesKeywordsTests {
    @Test func `Every row documents itself, once`() {
        #expect(Set(RulesKeywords.table.map(\.name)).count == RulesKeywords.table.count)
        for keyword in RulesKeywords.table {
            #expect(keyword.usage.hasPrefix(keyword.name))
            #expect(keyword.summary.hasSuffix("."))
        }
        for group in RulesKeywords.expressionHelp {
            #expect(!group.parameters.isEmpty)
            #expect(Set(group.parameters.map(\.name)).count == group.parameters.count)
            for row in group.parameters { #expect(!row.summary.isEmpty && row.usage.hasPrefix(row.name)) }
        }
    }
}
