// `do-resolve`: an address for a name, from the nameservers of a `resolvers` section (manual, `http-request do-resolve`).
//
// The rules after it wait. The caller looks `context.wantedName` up and passes the result to `context.found`.

internal import Basics
public import Configuration
internal import Expressions

struct ResolveAction: Sendable {
    let variable: VariableName
    /// The section's index in `RuleTable.resolvers`.
    let resolvers: Int
    let prefersIPv4: Bool
    let name: Expression

    /// What yields nothing, or more than a name, is not looked up.
    func run(on context: ExchangeContext, _ program: RuleProgram) -> ActionResult {
        guard let place = program.table.resolvers[resolvers].place else { return .next }
        let isThere = context.withScratch {
            guard let value = name.evaluate(context, program) else { return false }
            let bytes = value.bytes(context)
            guard bytes.count <= WantedName.bytesMax else { return false }
            context.wantedName.name.removeAll(keepingCapacity: true)
            context.withBytes(bytes) { context.wantedName.name.append($0) }
            return true
        }
        guard isThere else { return .next }
        context.wantedName.want(variable, from: place, prefersIPv4: prefersIPv4)
        return .wait(.address)
    }

    static let row = ActionRow(
        "do-resolve", in: [.requestContent, .httpRequest], parentheses: "<variable>,<resolvers>[,ipv4|ipv6]",
        "<expression>",
        summary:
            "Asks the nameservers of a resolvers section for an address of the host that the expression yields, without a port, "
            + "and sets the variable to it. The rules behind it wait. With no address the variable stays as it is. IPv6 is "
            + "preferred unless ipv4 is said. In tcp-request content nobody waits for longer than inspect-delay, if there is one."
    ) { (arguments, family, table) throws(ConfigProblem) in
        let words = try arguments.inParentheses("a variable, a resolvers section").parts
        guard (2...3).contains(words.count) else {
            throw arguments.problem(
                "do-resolve has two or three words in its parentheses",
                expected: "do-resolve(<variable>,<resolvers>[,ipv4|ipv6])")
        }
        let variable = try VariableName(words[0], in: family.hook)
        let prefersIPv4 = words.count == 3 ? try words[2].choice("a family", of: ["ipv4": true, "ipv6": false]) : false
        let expression = try Expression(
            arguments.next("an expression that yields a host's name"), in: family.hook, &table.expressions)
        table.resolvers.append(NamedResolvers(reference: Reference(words[1])))
        return .resolve(
            ResolveAction(
                variable: variable, resolvers: table.resolvers.count - 1, prefersIPv4: prefersIPv4, name: expression))
    }
}

/// A resolvers section by the name that a rule uses for it, and its index.
struct NamedResolvers: Sendable {
    let reference: Reference
    /// Nil until `Draft.resolve`.
    var place: Int?
}

extension RuleTable {
    /// Finds the sections; appends what is wrong with their names.
    mutating func resolve(resolvers names: NameIndex, _ problems: inout [ConfigProblem]) {
        for index in resolvers.indices {
            do throws(ConfigProblem) {
                resolvers[index].place = try names.position(of: resolvers[index].reference)
            } catch {
                problems.append(error)
            }
        }
    }
}

extension Draft {
    /// The resolvers sections that rules of this section name.
    public var resolversInRules: [Reference] { self[RulesSettings.self].table.resolvers.map(\.reference) }

    /// Lets the rules know the resolvers sections they name; returns what is wrong with the names.
    public mutating func resolve(resolvers names: NameIndex) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        self[RulesSettings.self].table.resolve(resolvers: names, &problems)
        return problems
    }
}

extension Word {
    /// What stands between commas, each with its own source range where that is known.
    fileprivate var parts: [Word] {
        let isAsWritten = range.length == text.count
        return text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            var place = range
            if isAsWritten {
                place.column += text.distance(from: text.startIndex, to: part.startIndex)
                place.length = max(1, part.count)
            }
            return Word(String(part), at: place)
        }
    }
}
