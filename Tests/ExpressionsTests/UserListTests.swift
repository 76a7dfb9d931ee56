// Userlists: who is let in, who belongs to what, and what is wrong with their lines.

import Basics
import Configuration
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct UserListTests {
    private func list(_ text: String) throws -> UserList {
        let lists = UserLists([try Section(.userlist, text).draft])
        #expect(lists.problems == [])
        return try #require(lists["test"])
    }

    private func lets(_ user: String, _ password: String, into list: UserList) -> Bool {
        unsafe Array(user.utf8).span.bytes.with(Array(password.utf8).span.bytes) {
            list.authenticate(user: $0, password: $1)
        }
    }

    private func isMember(_ user: String, of group: String, in list: UserList) -> Bool {
        unsafe Array(user.utf8).span.bytes.with(Array(group.utf8).span.bytes) { list.isMember(user: $0, group: $1) }
    }

    @Test(arguments: [
        "insecure-password secret",
        "password $1$saltsalt$9xy1btjgzLYfb7hivXtC//",
        "password $5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
        "password $6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
        "password $y$j75$saltsalt$0gBD67sgmJgRX3RZ6wHHO7sHimQEWGCWN85o4Twogh2",
        "password $2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "password abNANd1rDfiNc",
    ])
    func `The right password of the right user is let in, every time, and no other`(_ password: String) throws {
        let list = try list("user tom \(password)\nuser ann insecure-password other")
        // The second time the answer is remembered.
        for _ in 0..<2 {
            #expect(lets("tom", "secret", into: list))
            #expect(!lets("tom", "Secret", into: list))
            #expect(!lets("tom", "secret ", into: list))
            #expect(!lets("tom", "secret\0", into: list))
            #expect(!lets("tom", "", into: list))
            #expect(!lets("ann", "secret", into: list))
            #expect(!lets("to", "secret", into: list))
            #expect(!lets("", "", into: list))
        }
        #expect(lets("ann", "other", into: list))
    }

    @Test func `What cannot be a password of theirs lets nobody in`() throws {
        let list = try list("user a insecure-password ''\nuser b password abcd\nuser c")
        #expect(lets("a", "", into: list))
        #expect(!lets("a", "x", into: list))
        #expect(!lets("b", "abcd", into: list))
        #expect(!lets("c", "", into: list))
        #expect(!lets("b", String(repeating: "x", count: 100_000), into: list))
    }

    @Test func `A login that was found right does not ask crypt again`() throws {
        let logins = VerifiedLogins()
        let one = unsafe logins.login(user: 1, password: Array("secret".utf8).span.bytes)
        let same = unsafe logins.login(user: 1, password: Array("secret".utf8).span.bytes)
        let other = unsafe logins.login(user: 2, password: Array("secret".utf8).span.bytes)
        #expect(one == same)
        #expect(one != other)
        #expect(!logins.contains(one))
        logins.insert(one)
        #expect(logins.contains(same))
        #expect(!logins.contains(other))
        // However many come, the table does not grow.
        for user in 0..<10_000 { unsafe logins.insert(logins.login(user: user, password: [UInt8]().span.bytes)) }
    }

    @Test func `Users and groups may name each other`() throws {
        let list = try list(
            """
            group admins users tom,ann
            group editors
            group empty
            user zoe insecure-password z groups editors
            user ann insecure-password a groups editors,admins
            user tom insecure-password t
            """)
        let members = ["admins", "editors", "empty", "none"].map { group in
            ["ann", "tom", "zoe", "bob"].filter { isMember($0, of: group, in: list) }
        }
        #expect(members == [["ann", "tom"], ["ann", "zoe"], [], []])
    }

    @Test func `Names that no line declares are reported where they stand`() throws {
        let section = try Section(
            .userlist,
            """
            group admins users tom,anne
            user tom insecure-password t groups admin
            user ann insecure-password a
            """)
        let problems = UserLists([section.draft]).problems
        #expect(
            problems.map(\.message) == [
                "no group of userlist 'test' named 'admin'", "no user of userlist 'test' named 'anne'",
            ])
        #expect(problems.map(\.suggestion) == ["admins", "ann"])
        #expect(problems.map(\.range?.column) == [37, 24])
    }

    @Test func `The first of two lines of one name counts, with a warning`() throws {
        let section = try Section(
            .userlist, "user tom insecure-password a\nuser tom insecure-password b\ngroup g users tom\ngroup g")
        #expect(
            section.warnings.map(\.message) == [
                "there is a user 'tom' already, at test.cfg:1: this line is ignored",
                "there is a group 'g' already, at test.cfg:3: this line is ignored",
            ])
        let list = try #require(UserLists([section.draft])["test"])
        #expect(lets("tom", "a", into: list) && !lets("tom", "b", into: list))
        #expect(isMember("tom", of: "g", in: list))
    }

    @Test func `A password that cannot match is noticed`() throws {
        #expect(try Section(.userlist, "user tom password secret").warnings.count == 1)
        #expect(try Section(.userlist, "user tom password abNANd1rDfiNc").warnings.count == 0)
        #expect(try Section(.userlist, "user tom").warnings.count == 1)
        #expect(try problem("user tom password $9$x$y", in: .userlist).message.contains("no form that crypt(3) knows"))
        #expect(try problem("user tom password", in: .userlist).message == "'user' lacks an argument")
        #expect(try problem("user", in: .userlist).message == "'user' lacks an argument")
        #expect(try problem("user a,b", in: .userlist).message == "'a,b' cannot be a user's name")
        #expect(
            try problem("user tom password $1$a$b insecure-password b", in: .userlist).message
                == "a user has one password")
        #expect(
            try problem("user tom shell /bin/sh", in: .userlist).message == "unexpected 'shell' in the line of 'user'")
        #expect(
            try problem("group g members tom", in: .userlist).message == "unexpected 'members' in the line of 'group'")
        #expect(try problem("group", in: .userlist).message == "'group' lacks an argument")
    }

    @Test func `A line that names a userlist finds it when all is read`() throws {
        let lists = UserLists([try Section(.userlist, "user tom insecure-password t").draft])
        var proxy = try Section(.listen).draft
        let word = Reference(name: "test", range: SourceRange(file: "test.cfg", line: 7))
        let missing = Reference(name: "tset", range: SourceRange(file: "test.cfg", line: 8))
        let place = proxy[RulesSettings.self].table.expressions.userList(word)
        #expect(proxy.resolve(lists) == [])
        #expect(RuleProgram(proxy[RulesSettings.self].table).userList(place).name == "test")

        _ = proxy[RulesSettings.self].table.expressions.userList(missing)
        let problem = try #require(proxy.resolve(lists).first)
        #expect(problem.message == "no userlist named 'tset'")
        #expect(problem.suggestion == "test")
        #expect(problem.range?.line == 8)
    }
}

extension RawSpan {
    /// Two spans at once, which a closure may not take out of temporaries.
    fileprivate func with<R>(_ other: RawSpan, _ body: (RawSpan, RawSpan) -> R) -> R { body(self, other) }
}
