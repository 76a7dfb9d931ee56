// From `userlist` sections to the lists that samples ask: names become references once the whole file was read.
//
// A sample keeps a place: `table.userList(try arguments.reference("a userlist's name"))`. `PlanBuilder` calls
// `Draft.resolve` for every proxy. From then on `program.userList(place)` is the list.

internal import Basics
public import Configuration

/// A userlist by the name a line uses for it, and what that stands for.
struct NamedUserList: Sendable {
    let reference: Reference
    /// Nil until `Draft.resolve`.
    var list: UserList?
}

extension RuleTable {
    /// Keeps a userlist's name; its place.
    mutating func userList(_ reference: Reference) -> Int {
        userLists.append(NamedUserList(reference: reference))
        return userLists.count - 1
    }

    /// Finds the lists; appends what is wrong with their names.
    fileprivate mutating func resolve(_ lists: UserLists, _ problems: inout [ConfigProblem]) {
        for index in userLists.indices {
            do throws(ConfigProblem) {
                userLists[index].list = lists.lists[try lists.names.position(of: userLists[index].reference)]
            } catch {
                problems.append(error)
            }
        }
    }
}

extension RuleProgram {
    /// The list at a place that `RuleTable.userList` gave.
    func userList(_ place: Int) -> UserList {
        guard let list = table.userLists[place].list else {
            preconditionFailure("userlist '\(table.userLists[place].reference.name)' was not resolved")
        }
        return list
    }
}

extension Draft {
    /// Lets the section's lines know the conditions and userlists they name, and what the variables of the environment are that they
    /// name; returns what is wrong with the names, and with the numbers of captures.
    public mutating func resolve(_ lists: UserLists, environment: [String: String] = [:]) -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        let names = self[RulesSettings.self].names
        updateTables { table in
            table.resolveLists(names, &problems)
            table.resolve(lists, &problems)
            table.resolve(environment: environment)
        }
        return problems + checkCaptureNumbers()
    }
}

/// All userlists of a configuration.
public struct UserLists: Sendable {
    let lists: [UserList]
    let names: NameIndex
    /// What is wrong within the sections.
    public let problems: [ConfigProblem]

    /// - Parameter sections: the drafts of `userlist` sections.
    public init(_ sections: [Draft]) {
        var problems: [ConfigProblem] = []
        lists = sections.map { $0[UserListSettings.self].list(named: $0.name, &problems) }
        names = NameIndex(of: "userlist", sections.map(\.name))
        self.problems = problems
    }

    /// The list of that name.
    public subscript(name: String) -> UserList? { names[name].map { lists[$0] } }
}
