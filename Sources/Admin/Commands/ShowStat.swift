// `show stat`: the counters of proxies and servers, as CSV unless another form is asked for.

public enum ShowStat: RuntimeCommand {
    public static let name = "show stat"
    public static let usage = "show stat [desc|json|no-maint|typed|up]*"
    public static let summary = "report counters for each proxy and server (filter: [<iid>|<proxy>] <type> <sid>)"

    public static func run(_ call: inout CommandCall) {
        let source = call.context.statistics
        var words = call.words
        if words.first == "domain" {
            guard words.count > 1, words[1] == "proxy" else { return call.fail("Invalid statistics domain.") }
            words.removeFirst(2)
        }
        func take(_ option: String) -> Bool {
            guard let index = words.firstIndex(of: option) else { return false }
            words.remove(at: index)
            return true
        }
        let describes = take("desc")
        let isTyped = take("typed")
        let isJSON = take("json")
        var filter = RowFilter()
        filter.hidesDown = take("up")
        filter.hidesMaintenance = take("no-maint")
        // What is left are the three words of a filter, or words without a meaning.
        if words.count >= 3 {
            guard filter.select(words, in: source) else { return call.fail("No such proxy.") }
        }
        let form: StatsTable.Form = isJSON ? .json : isTyped ? .typed(describes: describes) : .csv
        // Only operators may see addresses.
        call.say(inPieces: StatsTable(source, as: form, filter, showsLegends: call.level >= .operator))
    }
}

extension RowFilter {
    /// Reads `<iid>|<proxy> <type> <sid>`: -1 means any, and types add up (1 frontends, 2 backends, 4 servers). Returns
    /// false if the first is the name of no proxy.
    fileprivate mutating func select(_ words: [String], in source: any StatsSource) -> Bool {
        if let number = Int(words[0]) {
            if number != -1 { proxyID = number }
        } else if let id = source.id(ofProxyNamed: words[0]) {
            proxyID = id
        } else {
            return false
        }
        // A word that is no number counts as 0, as in HAProxy: nothing of that kind.
        let types = Int(words[1]) ?? 0
        kinds = []
        if types & 1 != 0 { kinds.insert(.frontend) }
        if types & 2 != 0 { kinds.insert(.backend) }
        if types & 4 != 0 { kinds.insert(.server) }
        let number = Int(words[2]) ?? 0
        if number != -1 { rowID = number }
        return true
    }
}
