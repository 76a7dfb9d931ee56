// The keywords of this module.

import Admin
import Basics
import Configuration
import Testing

@Suite struct AdminKeywordTests {
    private let place = SourceRange(file: "test.cfg", line: 1)

    private func read(_ lines: [String], kind: SectionKind = .frontend) throws -> (draft: Draft, warnings: [String]) {
        var draft = Draft(kind: kind, name: "test", range: place)
        var warnings: [String] = []
        for line in lines {
            let words = line.split(separator: " ").map { Word(String($0), at: place) }
            let found = AdminKeywords.table.filter { line == $0.name || line.hasPrefix($0.name + " ") }
            let keyword = try #require(found.max { $0.name.count < $1.name.count })
            let count = keyword.name.split(separator: " ").count
            var arguments = Arguments(words: Array(words.dropFirst(count)), keyword: Word(keyword.name, at: place))
            try keyword.parse(&arguments, &draft)
            #expect(arguments.isAtEnd, "\(line)")
            warnings += arguments.warnings.map(\.message)
        }
        return (draft, warnings)
    }

    private func page(_ lines: String...) throws -> StatsPageSettings {
        try read(lines).draft[StatsPageSettings.self]
    }

    private func admin(_ lines: String...) throws -> AdminSettings {
        try read(lines, kind: .global).draft[AdminSettings.self]
    }

    @Test func aSectionWithoutStatsHasNoPage() throws {
        #expect(try !page().isEnabled)
    }

    @Test(arguments: [
        "stats enable", "stats uri /s", "stats refresh 5s", "stats hide-version", "stats show-legends",
        "stats show-node", "stats show-desc", "stats realm x", "stats auth a:b",
    ])
    func anyStatsLineTurnsThePageOn(line: String) throws {
        #expect(try page(line).isEnabled)
    }

    @Test func aPageInFull() throws {
        let settings = try page(
            "stats uri /admin?stats", "stats refresh 10", "stats hide-version", "stats show-legends",
            "stats show-node left", "stats show-desc The left door", "stats realm Shop", "stats auth ann:secret",
            "stats auth bob:p:w")
        #expect(settings.uri == "/admin?stats")
        #expect(settings.refresh == .seconds(10))
        #expect(settings.hidesVersion && settings.showsLegends && settings.showsNode && settings.showsDescription)
        #expect(settings.node == "left")
        #expect(settings.description == "The left door")
        #expect(settings.realm == "Shop")
        #expect(settings.users == [.init(name: "ann", password: "secret"), .init(name: "bob", password: "p:w")])
    }

    @Test func aRefreshCountsInSecondsAndIsNeverAStorm() throws {
        #expect(try page("stats refresh 1m").refresh == .seconds(60))
        #expect(try page("stats refresh 10ms").refresh == .seconds(1))
        #expect(try page("stats refresh 0").refresh == nil)
    }

    @Test func whatThePageCannotDoIsSaid() throws {
        #expect(
            try read(["stats admin if TRUE"]).warnings == [
                "'stats admin' has no effect: the stats page changes nothing"
            ])
    }

    @Test(arguments: [
        "stats uri", "stats uri stats", "stats uri /ü", "stats auth", "stats auth ann", "stats auth :x",
        "stats refresh",
        "stats refresh soon", "stats realm",
    ])
    func mistakesOnAPage(line: String) {
        #expect(throws: ConfigProblem.self) { try read([line]) }
    }

    @Test func socketsInFull() throws {
        let settings = try admin(
            "stats socket /run/portico.sock mode 660 level admin user root group root",
            "stats socket ipv4@127.0.0.1:9999 level user", "stats socket abns@portico", "stats socket [::1]:9998",
            "stats timeout 2m", "stats maxconn 20", "node left", "description The left door")
        #expect(
            settings.sockets.map(\.address) == [
                .path("/run/portico.sock"), .ip(.loopbackV4, port: 9999), .abstract("portico"),
                .ip(.v6(0, 1), port: 9998),
            ])
        #expect(settings.sockets.map(\.level) == [.admin, .user, .operator, .operator])
        #expect(settings.sockets[0].mode == 0o660)
        #expect(settings.sockets[0].userID == 0 && settings.sockets[0].groupID == 0)
        #expect(settings.sockets[1].mode == nil)
        #expect(settings.timeout == .seconds(120))
        #expect(settings.connectionsLimit == 20)
        #expect(settings.node == "left")
        #expect(settings.description == "The left door")
    }

    @Test func socketsWithoutMore() throws {
        let settings = try admin()
        #expect(settings.sockets.isEmpty)
        #expect(settings.timeout == .seconds(10))
        #expect(settings.connectionsLimit == 10)
    }

    @Test func listenersAreExposedOnlyWhereTheLineSaysSo() throws {
        let read = try read(["stats socket /run/x expose-fd listeners level admin"], kind: .global)
        #expect(read.warnings == [])
        #expect(read.draft[AdminSettings.self].sockets[0].level == .admin)
        #expect(read.draft[AdminSettings.self].sockets[0].exposesListeners)
        #expect(try !AdminKeywords.masterSocket("/run/x").exposesListeners)
    }

    @Test func theMastersSocketHasItsParametersBehindCommas() throws {
        let socket = try AdminKeywords.masterSocket("/run/master.sock,mode,600,level,operator")
        #expect(socket.address == .path("/run/master.sock") && socket.mode == 0o600)
        #expect(socket.level == .operator && socket.takesProcess)
        #expect(try AdminKeywords.masterSocket("fd@5").level == .admin)
        for text in ["", "127.0.0.1", "/run/x,mode", "/run/x,mdoe,600"] {
            #expect(throws: ConfigProblem.self) { try AdminKeywords.masterSocket(text) }
        }
    }

    @Test func aSocketThatTheProcessWasStartedWith() throws {
        let settings = try admin("stats socket fd@7 level admin")
        #expect(settings.sockets.map(\.descriptor) == [7])
        #expect(settings.sockets.map(\.address) == [nil])
        #expect(settings.sockets.map(\.level) == [.admin])
    }

    @Test(arguments: [
        "stats socket", "stats socket /run/x level root", "stats socket /run/x mode 999", "stats socket /run/x mode",
        "stats socket /run/x user no-such-user-here", "stats socket /run/x group no-such-group-here",
        "stats socket /run/x levle admin", "stats socket localhost:99", "stats socket 127.0.0.1",
        "stats socket 127.0.0.1:80-90", "stats socket fd@x", "stats socket /run/x expose-fd all", "stats maxconn 0",
        "stats timeout", "node", "description",
    ])
    func mistakesOnASocket(line: String) {
        #expect(throws: ConfigProblem.self) { try read([line], kind: .global) }
    }

    @Test func everyKeywordExplainsItself() {
        for keyword in AdminKeywords.table {
            #expect(keyword.usage.hasPrefix(keyword.name))
            #expect(keyword.summary.hasSuffix("."))
        }
        for group in AdminKeywords.parameterGroups {
            for parameter in group.parameters {
                #expect(parameter.usage.hasPrefix(parameter.name))
                #expect(parameter.summary.hasSuffix("."))
            }
        }
    }
}
