// `show stat`: the counters of proxies and servers, as CSV unless another form is asked for.

extension Command {
    static let showStat = Command(
        "show stat", usage: "show stat [desc|json|no-maint|typed|up]*",
        summary: "report counters for each proxy and server (filter: [<iid>|<proxy>] <type> <sid>)"
    ) { call in
        let snapshot = call.context.snapshot()
        if call.words.first == "domain" {
            guard call.words.count > 1, call.words[1] == "proxy" else { return call.say("Invalid statistics domain.") }
            call.words.removeFirst(2)
        }
        let describes = call.takeOption("desc")
        let isTyped = call.takeOption("typed")
        let isJSON = call.takeOption("json")
        var filter = RowFilter()
        filter.hidesDown = call.takeOption("up")
        filter.hidesMaintenance = call.takeOption("no-maint")
        // What is left are the three words of a filter, or nothing that means anything.
        if call.words.count >= 3 {
            guard filter.select(call.words, in: snapshot) else { return call.say("No such proxy.") }
        }
        // Addresses are not for everybody.
        let showsLegends = call.session.level >= .operator
        if isJSON {
            snapshot.appendJSON(filter, showsLegends: showsLegends, to: &call.out)
        } else if isTyped {
            snapshot.appendTyped(filter, showsLegends: showsLegends, describes: describes, to: &call.out)
        } else {
            snapshot.appendCSV(filter, showsLegends: showsLegends, to: &call.out)
        }
    }
}

extension RowFilter {
    /// Reads `<iid>|<proxy> <type> <sid>`: -1 means any, and types add up (1 frontends, 2 backends, 4 servers). False
    /// if the first is the name of no proxy.
    fileprivate mutating func select(_ words: [String], in snapshot: StatsSnapshot) -> Bool {
        if let number = Int(words[0]) {
            if number != -1 { proxyID = number }
        } else if let proxy = snapshot.proxies.first(where: { $0.name == words[0] }) {
            proxyID = proxy.id
        } else {
            return false
        }
        // What is no number counts as 0, as in HAProxy: nothing of that kind.
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
