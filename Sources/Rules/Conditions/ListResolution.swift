// Compiles the lists that expressions name (`acl(name)`, `when(acl,name)`) into each table of a section, when all of the section
// has been read.

internal import Basics
internal import Configuration
internal import Expressions
internal import Patterns

extension ExpressionTable {
    /// Compiles the lists that expressions name; appends what is wrong with the names.
    mutating func resolveLists(_ names: AccessListNames, _ problems: inout [ConfigProblem]) {
        var places: [String: Int] = [:]
        var index = 0
        // Lists name further ones.
        while index < listUses.count {
            let name = listUses[index].name
            if places[name] == nil {
                compiledList = name
                places[name] = names.compile(name, &self)
                compiledList = nil
            }
            if let place = places[name] {
                listUses[index].list = Int32(place)
            } else {
                problems.append(
                    ConfigProblem(
                        "no condition is named '\(name)'", at: listUses[index].range,
                        expected: "the name of an acl line of this section",
                        suggestion: nearest(name, among: names.all)))
            }
            index += 1
        }
        for use in listUses {
            guard let owner = use.owner, leads(from: use.name, to: owner) else { continue }
            problems.append(ConfigProblem("the condition '\(owner)' would ask for itself here", at: use.range))
        }
    }

    private func leads(from start: String, to goal: String) -> Bool {
        var seen: Set<String> = []
        var open = [start]
        while let name = open.popLast() {
            if name == goal { return true }
            guard seen.insert(name).inserted else { continue }
            open += listUses.filter { $0.owner == name }.map(\.name)
        }
        return false
    }
}
