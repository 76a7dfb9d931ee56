// `server-template`: many servers from one line, for names with many addresses or SRV records.

internal import Basics
internal import Configuration

enum ServerTemplate {
    /// Servers that one line may make: more than any name has addresses.
    private static let serversMax = 10_000

    static let keyword = Keyword(
        "server-template", in: [.backend, .listen],
        usage: "server-template <prefix> <number>|<first>-<last> <address>[:<port>] [<parameter>...]",
        summary:
            "Adds servers with the same parameters, named by the prefix and 1 to the number, or each number of the range. With "
            + "`resolvers`, each gets an address of its own among those of the name. A name that begins with _ is one of SRV records: "
            + "each server gets one of them, by priority where there are more records than servers, and from it a host name, whose "
            + "address is looked up, a port, and a weight (that of the record divided by 256 and rounded up; see resolve-opts). A server "
            + "without an address, or a record, is in maintenance. `id` is the number of the first; the others follow."
    ) { (args, draft) throws(ConfigProblem) in
        let prefix = try args.next("a prefix")
        let numbers = try numbers(try args.next("a number of servers, or a range"))
        var template = draft[BalancingSettings.self].defaultServer
        template.name = prefix
        try BalancingKeywords.readPlace(&args, into: &template)
        if numbers.count > 1, let id = template.globalID {
            throw args.problem("a 'guid' is one server's alone", at: id)
        }
        if let id = template.id, id > Int(Int32.max) - numbers.count {
            throw args.problem("the servers' numbers from \(id) on exceed \(Int32.max)", at: prefix)
        }
        for (index, number) in numbers.enumerated() {
            var server = template
            server.name = Word("\(prefix.text)\(number)", at: prefix.range)
            server.id = template.id.map { $0 + index }
            let first = draft[BalancingSettings.self].claim(server.name)
            try BalancingKeywords.checkUnique(server, first, in: draft[BalancingSettings.self])
            draft[BalancingSettings.self].add(server)
        }
    }

    private static func numbers(_ word: Word) throws(ConfigProblem) -> ClosedRange<Int> {
        let parts = word.text.split(separator: "-", omittingEmptySubsequences: false)
        let ends = parts.map { part in !part.isEmpty && part.utf8.allSatisfy { $0 &- 0x30 < 10 } ? Int(part) : nil }
        var range: ClosedRange<Int>?
        if ends.count == 1, let count = ends[0], 1...serversMax ~= count { range = 1...count }
        if ends.count == 2, let first = ends[0], let last = ends[1], 0..<serversMax ~= last - first {
            range = first...last
        }
        guard let range else {
            throw ConfigProblem(
                "'\(word.text)' is not a number of servers", at: word.range,
                expected: "1 to \(serversMax), or a range like 1-3")
        }
        return range
    }
}
