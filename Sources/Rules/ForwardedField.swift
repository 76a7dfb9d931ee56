// `option forwarded`: an element of Forwarded (RFC 7239) for each request, made of the connection or of expressions
// (manual, `option forwarded`).
//
// What is written is always an element as the RFC has it: of an expression's text that is none, `unknown` is made, or an
// identifier with `_` in front.

internal import Basics
internal import Configuration
public import Expressions
internal import HTTP

/// What goes into the element.
struct ForwardedParts: Sendable {
    enum Source: Sendable {
        case none
        /// The connection, or the Host field.
        case exchange
        case expression(Expression)

        var isNone: Bool { if case .none = self { true } else { false } }
    }

    /// `for` or `by`.
    struct Node: Sendable {
        var name = Source.none
        var port = Source.none
    }

    var hasProto = false
    var host = Source.none
    var byNode = Node()
    var forNode = Node()
}

/// How a backend tells its servers who asked.
public final class ForwardedField: Sendable {
    private let parts: ForwardedParts
    private let program: RuleProgram

    fileprivate init(_ parts: ForwardedParts, _ table: RuleTable) {
        self.parts = parts
        program = RuleProgram(table)
    }

    /// Adds the element behind those that the request has; in a field of its own if one of those is not valid.
    public func add(to context: ExchangeContext) {
        context.rendered.removeAll(keepingCapacity: true)
        let list = context.request.fields.validForwardedList
        if let list { context.rendered.append(value: list, of: context.request.fields) }
        if !context.rendered.isEmpty { context.rendered.append(0x2C) }
        let start = context.rendered.count
        writeElement(context)
        guard context.rendered.count > start else { return }
        if let list {
            context.request.fields.replaceValue(list, withText: context.rendered)
        } else {
            context.request.fields.append(.forwarded, context.rendered)
        }
    }

    /// In HAProxy's order.
    private func writeElement(_ context: ExchangeContext) {
        let start = context.rendered.count
        func separate() { if context.rendered.count > start { context.rendered.append(0x3B) } }
        if parts.hasProto { context.rendered.append(context.isTLS ? "proto=https" : "proto=http") }
        if !parts.host.isNone {
            separate()
            context.rendered.append("host=\"")
            writeHost(context)
            context.rendered.append(0x22)
        }
        if !parts.byNode.name.isNone {
            separate()
            context.rendered.append("by=")
            write(parts.byNode, context.local, context)
        }
        if !parts.forNode.name.isNone {
            separate()
            context.rendered.append("for=")
            write(parts.forNode, context.client, context)
        }
    }

    /// Nothing, where it is no host.
    private func writeHost(_ context: ExchangeContext) {
        switch parts.host {
        case .none: break
        case .exchange: context.rendered.append(hostOf: context.request)
        case .expression(let expression):
            context.withScratch {
                guard let value = expression.evaluate(context, program) else { return }
                context.withBytes(value.bytes(context)) { context.rendered.append(host: $0) }
            }
        }
    }

    /// With its port a node stands in quotes, and so does an IPv6 address.
    private func write(_ node: ForwardedParts.Node, _ end: SocketAddress, _ context: ExchangeContext) {
        let hasPort = !node.port.isNone
        if hasPort { context.rendered.append(0x22) }
        let start = context.rendered.count
        writeName(node.name, end, isQuoted: hasPort, context)
        if context.rendered.count == start { context.rendered.append("unknown") }
        guard hasPort else { return }
        context.rendered.append(0x3A)
        let portStart = context.rendered.count
        writePort(node.port, end, context)
        if context.rendered.count == portStart { context.rendered.removeLast() }
        context.rendered.append(0x22)
    }

    private func writeName(
        _ source: ForwardedParts.Source, _ end: SocketAddress, isQuoted: Bool, _ context: ExchangeContext
    ) {
        switch source {
        case .none: break
        case .exchange: if let ip = end.ip { context.rendered.append(node: ip, isQuoted) }
        case .expression(let expression):
            context.withScratch {
                switch expression.evaluate(context, program) {
                case nil: break
                case .address(let ip): context.rendered.append(node: ip, isQuoted)
                case let value?:
                    context.withBytes(value.bytes(context)) { context.rendered.append(nodeName: $0, isQuoted) }
                }
            }
        }
    }

    private func writePort(_ source: ForwardedParts.Source, _ end: SocketAddress, _ context: ExchangeContext) {
        switch source {
        case .none: break
        case .exchange: if let port = end.port { context.rendered.append(decimal: port) }
        case .expression(let expression):
            context.withScratch {
                guard let value = expression.evaluate(context, program) else { return }
                context.withBytes(value.bytes(context)) { text in
                    if ForwardedNode.port(text) != nil || ForwardedNode.isWord(text) {
                        context.rendered.append(text)
                    } else {
                        context.rendered.append(identifier: text)
                    }
                }
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(value i: Int, of fields: borrowing HeaderFields) { append(fields.value(i)) }

    fileprivate mutating func append(hostOf request: borrowing RequestHead) { append(host: request.host) }

    fileprivate mutating func append(host: RawSpan) { if ForwardedElement.isHost(host) { append(host) } }

    fileprivate mutating func append(node ip: IPAddress, _ isQuoted: Bool) {
        guard case .v6 = ip else { return ip.append(to: &self) }
        append(isQuoted ? "[" : "\"[")
        ip.append(to: &self)
        append(isQuoted ? "]" : "]\"")
    }

    /// A node's name as it is, an IPv6 address in brackets, or what may be an identifier; nothing of any other text.
    fileprivate mutating func append(nodeName text: RawSpan, _ isQuoted: Bool) {
        if let node = ForwardedNode(text), node.port == nil {
            if case .address(let ip) = node.name { append(node: ip, isQuoted) } else { append(text) }
        } else if let ip = IPAddress(text.shortText) {
            append(node: ip, isQuoted)
        } else {
            append(identifier: text)
        }
    }

    /// With `_` in front; nothing, where a byte may not stand in one (RFC 7239 section 6.3).
    fileprivate mutating func append(identifier text: RawSpan) {
        guard text.byteCount > 0, text.firstIndex(from: 0, where: { !ForwardedNode.isWordByte($0) }) == text.byteCount
        else { return }
        append(0x5F)
        append(text)
    }
}

extension HeaderFields {
    fileprivate mutating func replaceValue(_ i: Int, withText text: [UInt8]) {
        unsafe replaceValue(i, with: text.span.bytes)
    }

    /// The last Forwarded field, if all elements of all of them are valid.
    fileprivate var validForwardedList: Int? {
        var last: Int?
        var next = 0
        while let field = self.next(.forwarded, from: next) {
            guard ForwardedElement.isValidList(value(field)) else { return nil }
            last = field
            next = field + 1
        }
        return last
    }
}

extension RulesSettings {
    /// What `option forwarded` says; nil if it is not there.
    public var forwardedField: ForwardedField? { forwardedParts.map { ForwardedField($0, table) } }

    fileprivate mutating func readForwardedParts(_ arguments: inout Arguments) throws(ConfigProblem) {
        var parts = ForwardedParts()
        if arguments.isAtEnd {
            parts.hasProto = true
            parts.forNode.name = .exchange
        }
        var portWords: [(isBy: Bool, word: Word)] = []
        while let word = arguments.nextIfPresent() {
            switch word.text {
            case "proto": parts.hasProto = true
            case "host": parts.host = .exchange
            case "host-expr": parts.host = try forwardedExpression(&arguments)
            case "by": parts.byNode.name = .exchange
            case "by-expr": parts.byNode.name = try forwardedExpression(&arguments)
            case "for": parts.forNode.name = .exchange
            case "for-expr": parts.forNode.name = try forwardedExpression(&arguments)
            case "by_port", "by_port-expr":
                portWords.append((true, word))
                parts.byNode.port = word.text == "by_port" ? .exchange : try forwardedExpression(&arguments)
            case "for_port", "for_port-expr":
                portWords.append((false, word))
                parts.forNode.port = word.text == "for_port" ? .exchange : try forwardedExpression(&arguments)
            default:
                throw arguments.problem(
                    "unexpected '\(word.text)'", at: word, expected: ForwardedParts.words.joined(separator: ", "),
                    suggestion: nearest(word.text, among: ForwardedParts.words))
            }
        }
        for (isBy, word) in portWords where (isBy ? parts.byNode : parts.forNode).name.isNone {
            let name = isBy ? "by" : "for"
            arguments.warn("'\(word.text)' is ignored: there is no '\(name)' and no '\(name)-expr'", at: word)
        }
        forwardedParts = parts
    }

    private mutating func forwardedExpression(
        _ arguments: inout Arguments
    ) throws(ConfigProblem) -> ForwardedParts.Source {
        .expression(try Expression(try arguments.next("an expression"), in: .requestRules, &table.expressions))
    }
}

extension ForwardedParts {
    fileprivate static let words = [
        "proto", "host", "host-expr", "by", "by-expr", "by_port", "by_port-expr", "for", "for-expr", "for_port",
        "for_port-expr",
    ]

    static let keyword = Keyword(
        "option forwarded", in: .proxies,
        usage: "option forwarded [proto] [host|host-expr <expression>] [by|by-expr <expression>] "
            + "[by_port|by_port-expr <expression>] [for|for-expr <expression>] [for_port|for_port-expr <expression>]",
        summary:
            "Tells servers who asked in an element of Forwarded (RFC 7239), behind those that are there: by default "
            + "the scheme and the client's address. Text that no node may have becomes `unknown`, or gets `_` in front.",
        negatable: true
    ) { (arguments, draft) throws(ConfigProblem) in
        if draft.kind == .frontend {
            arguments.warn("a frontend has no servers: 'option forwarded' is for sections that have", at: nil)
        }
        if arguments.isNegated {
            draft[RulesSettings.self].forwardedParts = nil
        } else {
            try draft[RulesSettings.self].readForwardedParts(&arguments)
        }
    }
}
