// The keywords for static files.

import Configuration
import StaticFiles
import Testing

@Suite struct StaticFilesKeywordTests {
    private func read(_ lines: String...) throws -> StaticFilesSettings {
        let place = SourceRange(file: "test.cfg", line: 1)
        var draft = Draft(kind: .backend, name: "site", range: place)
        for line in lines {
            let words = line.split(separator: " ").map { Word(String($0), at: place) }
            let keyword = try #require(StaticFilesKeywords.table.first { $0.name == words[0].text })
            var arguments = Arguments(words: Array(words.dropFirst()), keyword: words[0])
            try keyword.parse(&arguments, &draft)
            #expect(arguments.isAtEnd)
        }
        return draft[StaticFilesSettings.self]
    }

    private func problem(_ lines: String...) throws -> String {
        do {
            for line in lines { _ = try read(line) }
        } catch let problem as ConfigProblem {
            return problem.message
        }
        return "no problem"
    }

    @Test func aSectionWithoutFilesHasNoRoot() throws {
        #expect(try read().root == nil)
        #expect(try read("files-index home.html").root == nil)
    }

    @Test func aSectionWithFilesServesThem() throws {
        let site = try Site(["home.html": "home", "a.txt": "a"])
        let settings = try read(
            "files \(site.path)", "files-index index.html home.html", "files-strip-prefix /static", "files-miss servers"
        )
        let root = Served(site: site, root: try #require(settings.root))
        #expect(root.get("/static/").content == "home")
        #expect(root.get("/static/a.txt").content == "a")
        #expect(settings.missGoesToServers)
    }

    @Test func aMissIs404UnlessToldOtherwise() throws {
        #expect(try !read("files-miss 404").missGoesToServers)
        #expect(try !read().missGoesToServers)
    }

    @Test func theDirectoryIsCheckedWhenTheFileIsRead() throws {
        let site = try Site()
        #expect(try problem("files \(site.path)/none") == "there is no directory '\(site.path)/none'")
        #expect(try problem("files \(site.path)/app.css") == "'\(site.path)/app.css' is not a directory")
    }

    @Test func oneSectionHasOneDirectory() throws {
        let site = try Site()
        #expect(throws: ConfigProblem.self) { try read("files \(site.path)", "files \(site.path)") }
    }

    @Test(arguments: ["files-index a/b", "files-index .hidden", "files-index ..", "files-index"])
    func anIndexIsAPlainName(line: String) {
        #expect(throws: ConfigProblem.self) { try read(line) }
    }

    @Test(arguments: [
        "files-strip-prefix static", "files-strip-prefix /", "files-strip-prefix /a/../b", "files-strip-prefix /%20",
        "files-strip-prefix",
    ])
    func aPrefixIsAPath(line: String) {
        #expect(throws: ConfigProblem.self) { try read(line) }
    }

    @Test func everyKeywordExplainsItself() {
        for keyword in StaticFilesKeywords.table {
            #expect(keyword.usage.hasPrefix(keyword.name))
            #expect(keyword.summary.hasSuffix("."))
        }
    }
}
