// The lines of a `userlist`: `user` and `group`.

internal import Basics
public import Configuration
internal import Patterns

/// What a userlist's lines say, before names are compared.
struct UserListSettings: SectionSettings {
    struct User: Sendable {
        let name: Word
        var secret = UserList.Secret.none
        var groups: [Reference] = []
    }

    struct Group: Sendable {
        let name: Word
        var users: [Reference] = []
    }

    var users: [User] = []
    var groups: [Group] = []

    /// The list, with problems for names that no line declares.
    func list(named name: String, _ problems: inout [ConfigProblem]) -> UserList {
        let groups = groups.sorted { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
        let users = users.sorted { $0.name.text.utf8.lexicographicallyPrecedes($1.name.text.utf8) }
        let groupNames = NameIndex(of: "group of userlist '\(name)'", groups.map(\.name.text))
        let userNames = NameIndex(of: "user of userlist '\(name)'", users.map(\.name.text))
        var memberships = [Set<Int>](repeating: [], count: users.count)
        for (user, line) in users.enumerated() {
            memberships[user] = Set(Self.positions(of: line.groups, in: groupNames, &problems))
        }
        for (group, line) in groups.enumerated() {
            for user in Self.positions(of: line.users, in: userNames, &problems) { memberships[user].insert(group) }
        }
        return UserList(
            name: name,
            users: zip(users, memberships).map { line, groups in
                UserList.User(name: line.name.text.verbatimBytes, secret: line.secret, groups: groups.sorted())
            },
            groups: groups.map { $0.name.text.verbatimBytes })
    }

    private static func positions(
        of references: [Reference], in names: NameIndex, _ problems: inout [ConfigProblem]
    ) -> [Int] {
        references.compactMap { reference in
            do throws(ConfigProblem) {
                return try names.position(of: reference)
            } catch {
                problems.append(error)
                return nil
            }
        }
    }
}

public enum UserListKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "group", in: "userlist", usage: "group <name> [users <user>[,<user>]...]",
            summary: "Declares a group, and which users belong to it; their own lines may say so as well."
        ) { (args, draft) throws(ConfigProblem) in
            var group = UserListSettings.Group(name: try name(&args, "a group's name"))
            while let word = args.nextIfPresent() {
                guard word.text == "users" else { throw unexpected(word, args, expected: "users") }
                group.users += references(try args.next("users' names, with commas between them"))
            }
            if let first = draft[UserListSettings.self].groups.first(where: { $0.name.text == group.name.text }) {
                return warnOfSecond("group", group.name, first.name, &args)
            }
            draft[UserListSettings.self].groups.append(group)
        },
        Keyword(
            "user", in: "userlist",
            usage: "user <name> [password <hash>|insecure-password <text>] [groups <group>[,<group>]...]",
            summary: "Declares a user. `password` has the password as crypt(3) writes it (`mkpasswd` and "
                + "`openssl passwd -6` do), `insecure-password` as it is."
        ) { (args, draft) throws(ConfigProblem) in
            let user = try user(&args)
            if let first = draft[UserListSettings.self].users.first(where: { $0.name.text == user.name.text }) {
                return warnOfSecond("user", user.name, first.name, &args)
            }
            draft[UserListSettings.self].users.append(user)
        },
    ]

    private static func user(_ args: inout Arguments) throws(ConfigProblem) -> UserListSettings.User {
        var user = UserListSettings.User(name: try name(&args, "a user's name"))
        var hasPassword = false
        while let word = args.nextIfPresent() {
            switch word.text {
            case "password", "insecure-password":
                guard !hasPassword else { throw args.problem("a user has one password", at: word) }
                hasPassword = true
                user.secret =
                    word.text == "password"
                    ? .hash(try hash(args.next("a password as crypt(3) writes it"), &args))
                    : .clear(try args.next("a password").text.verbatimBytes)
            case "groups": user.groups += references(try args.next("groups' names, with commas between them"))
            default: throw unexpected(word, args, expected: "password, insecure-password or groups")
            }
        }
        if !hasPassword { args.warn("user '\(user.name.text)' has no password: nobody is let in by that name") }
        return user
    }

    private static func hash(_ word: Word, _ args: inout Arguments) throws(ConfigProblem) -> PasswordHash {
        do throws(PasswordHash.Fault) {
            let hash = try PasswordHash(word.text)
            if hash.looksLikePlainText {
                args.warn(
                    "this is no password as crypt(3) writes it: nothing will match it", at: word,
                    expected: "a hash, as `openssl passwd -6` makes them, or 'insecure-password' before the plain text")
            }
            return hash
        } catch {
            throw args.problem(
                "this password \(error.text)", at: word,
                expected: "a hash, as `openssl passwd -6` makes them, or 'insecure-password' before the plain text")
        }
    }

    private static func name(_ args: inout Arguments, _ what: String) throws(ConfigProblem) -> Word {
        let word = try args.next(what)
        guard !word.text.isEmpty, !word.text.contains(",") else {
            throw args.problem("'\(word.text)' cannot be \(what)", at: word)
        }
        return word
    }

    /// As in HAProxy, the first line of a name counts.
    private static func warnOfSecond(_ what: String, _ name: Word, _ first: Word, _ args: inout Arguments) {
        args.warn(
            "there is a \(what) '\(name.text)' already, at \(first.range.file):\(first.range.line): this line is ignored",
            at: name)
    }

    private static func unexpected(_ word: Word, _ args: Arguments, expected: String) -> ConfigProblem {
        args.problem(
            "unexpected '\(word.text)' in the line of '\(args.keyword.text)'", at: word, expected: expected)
    }

    /// The names in a list with commas, each with its place.
    private static func references(_ word: Word) -> [Reference] {
        let isAsWritten = word.range.length == word.text.count
        return word.text.split(separator: ",").map { name in
            var range = word.range
            if isAsWritten {
                range.column += word.text.distance(from: word.text.startIndex, to: name.startIndex)
                range.length = name.count
            }
            return Reference(name: String(name), range: range)
        }
    }
}
