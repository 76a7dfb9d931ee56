// `set-src`, `set-src-port`, `set-dst`, `set-dst-port`: change the client's address, or the one it connected to, for the rest of
// the exchange (manual, `http-request set-src`).
//
// Setting an address keeps the port, and setting a port keeps the address.

internal import Basics
internal import Configuration
internal import Expressions

struct EndAction: Sendable {
    enum Part: String, CaseIterable, Sendable {
        case source = "set-src"
        case sourcePort = "set-src-port"
        case destination = "set-dst"
        case destinationPort = "set-dst-port"
    }

    private let part: Part
    private let expression: Expression

    var changesDestination: Bool { part == .destination || part == .destinationPort }

    /// What yields no address, or no port, changes nothing.
    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        context.withScratch {
            guard let value = expression.evaluate(context, program) else { return }
            context.connection.keepOrigin()
            switch part {
            case .source: context.client = value.address(context).map(context.client.with) ?? context.client
            case .destination: context.local = value.address(context).map(context.local.with) ?? context.local
            case .sourcePort: context.client = port(value, context).map(context.client.with) ?? context.client
            case .destinationPort: context.local = port(value, context).map(context.local.with) ?? context.local
            }
            context.directives.hasOtherEnds = true
        }
        return .next
    }

    private func port(_ value: SampleValue, _ context: ExchangeContext) -> UInt16? {
        value.integer(context).flatMap(UInt16.init(exactly:))
    }

    static let rows = Part.allCases.map { part in
        ActionRow(
            part.rawValue, in: [.connection, .session, .requestContent, .httpRequest], "<expression>",
            summary: part.summary
        ) { (arguments, family, table) throws(ConfigProblem) in
            let word = try arguments.next("an expression")
            let expression = try Expression(word, in: family.hook, &table.expressions)
            let wanted: SampleType = part.isPort ? .integer : .address
            guard expression.type.converts(to: wanted) else {
                throw arguments.problem("'\(word.text)' yields no \(part.isPort ? "number" : "address")", at: word)
            }
            return .end(EndAction(part: part, expression: expression))
        }
    }
}

extension EndAction.Part {
    fileprivate var isPort: Bool { self == .sourcePort || self == .destinationPort }

    fileprivate var summary: String {
        switch self {
        case .source: "Takes another address for the client's: in what follows, in the log, in X-Forwarded-For."
        case .sourcePort: "Takes another port for the client's."
        case .destination: "Takes another address for the one that the client connected to."
        case .destinationPort: "Takes another port for the one that the client connected to."
        }
    }
}

extension SocketAddress {
    fileprivate func with(_ address: IPAddress) -> SocketAddress { .ip(address, port: port ?? 0) }

    fileprivate func with(_ port: UInt16) -> SocketAddress { .ip(ip ?? .anyV4, port: port) }
}
