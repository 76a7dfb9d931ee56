// Resolves the names of `userlist` sections in samples, once the whole file is read.
//
// A sample keeps an index: `table.userList(try arguments.reference("a userlist's name"))`. `PlanBuilder` calls
// `Draft.resolve` for every proxy. From then on `program.userList(index)` returns the list.

internal import Basics
public import Configuration

/// A userlist by the name a line uses for it, and what that stands for.
struct NamedUserList: Sendable {
    let reference: Reference
    /// Nil until `Draft.resolve`.
    var list: UserList?
}

extension ExpressionTable {
    /// Keeps a userlist's name; returns its index.
    mutating func userList(_ reference: Reference) -> Int {
        userLists.append(NamedUserList(reference: reference))
        return userLists.count - 1
    }

    /// Finds the lists; appends what is wrong with their names.
    public mutating func resolve(_ lists: UserLists, _ problems: inout [ConfigProblem]) {
        for index in userLists.indices {
            do throws(ConfigProblem) {
                userLists[index].list = lists.lists[try lists.names.position(of: userLists[index].reference)]
            } catch {
                problems.append(error)
            }
        }
    }
}

extension ExpressionProgram {
    /// The list at an index that `ExpressionTable.userList` returned.
    func userList(_ place: Int) -> UserList {
        guard let list = expressions.userLists[place].list else {
            preconditionFailure("userlist '\(expressions.userLists[place].reference.name)' was not resolved")
        }
        return list
    }
}

/// All userlists of a configuration.
public struct UserLists: Sendable {
    public let lists: [UserList]
    public let names: NameIndex
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
