// `track`: servers that follow others. What each line names is looked up when all backends are there.

internal import Balancing
internal import Basics
internal import Configuration

extension PlanBuilder {
    /// A server, by its backend and itself.
    private struct Place: Hashable {
        let backend: Int
        let server: Int
    }

    /// Which servers follow those that their lines name. Reports lines that name none, none that is checked, or one another.
    mutating func trackers(_ drafts: [Draft], _ backends: [BackendPlan]) -> [Tracker] {
        var links: [Place: Place] = [:]
        var words: [Place: Word] = [:]
        for (backend, draft) in drafts.enumerated() {
            for (server, line) in draft[BalancingSettings.self].servers.enumerated() {
                guard let word = line.tracked else { continue }
                let place = Place(backend: backend, server: server)
                guard let tracked = find(word, from: backend, drafts) else { continue }
                if line.isChecked {
                    report(
                        "'\(line.name.text)' has checks of its own and tracks another server", at: word.range,
                        expected: "check or track")
                    continue
                }
                links[place] = tracked
                words[place] = word
            }
        }
        let order = words.keys.sorted { ($0.backend, $0.server) < ($1.backend, $1.server) }
        var trackers: [Tracker] = []
        for place in order {
            guard let word = words[place], isGood(place, word, links, drafts), let tracked = links[place] else {
                continue
            }
            let (own, other) = (backends[place.backend], backends[tracked.backend])
            trackers.append(
                Tracker(
                    own.servers[place.server], of: own.backend, following: other.servers[tracked.server],
                    of: other.backend))
        }
        return trackers
    }

    private mutating func find(_ word: Word, from backend: Int, _ drafts: [Draft]) -> Place? {
        let parts = word.text.split(separator: "/", maxSplits: 1).map(String.init)
        let index = parts.count == 2 ? drafts.firstIndex { $0.name == parts[0] } : backend
        guard let index else {
            report(
                "there is no backend '\(parts[0])' with a server to track", at: word.range,
                suggestion: nearest(parts[0], among: drafts.map(\.name)))
            return nil
        }
        let servers = drafts[index][BalancingSettings.self].servers.map(\.name.text)
        guard let name = parts.last, let server = servers.firstIndex(of: name) else {
            report(
                "backend '\(drafts[index].name)' has no server '\(parts.last ?? "")' to track", at: word.range,
                suggestion: nearest(parts.last ?? "", among: servers))
            return nil
        }
        return Place(backend: index, server: server)
    }

    /// Whether the chain that begins here ends at a server with checks.
    private mutating func isGood(_ place: Place, _ word: Word, _ links: [Place: Place], _ drafts: [Draft]) -> Bool {
        var seen: Set<Place> = [place]
        var end = place
        while let next = links[end] {
            guard seen.insert(next).inserted else {
                report("the servers that '\(word.text)' leads to track one another", at: word.range)
                return false
            }
            end = next
        }
        let line = drafts[end.backend][BalancingSettings.self].servers[end.server]
        guard line.isChecked else {
            report(
                "'\(drafts[end.backend].name)/\(line.name.text)' has no checks whose results could be followed",
                at: word.range, expected: "check in its line")
            return false
        }
        return true
    }
}
