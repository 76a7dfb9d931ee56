// No file outside the directory and none with a dotted name is served, whatever the request or the links.

import Basics
import Chance
import Foundation
import StaticFiles
import Testing

@Suite struct ContainmentTests {
    /// A site, with files outside it that an attacker might want.
    private func temptingSite() throws -> Site {
        let site = try Site([
            "index.html": "home", "a.txt": "a", "docs/b.txt": "b", "docs/deep/c.txt": "c", ".env": "SECRET",
            ".git/config": "SECRET", "docs/.htpasswd": "SECRET", "docs/.hidden/x.txt": "SECRET",
            "visible..name": "fine", "..foo": "SECRET", "...": "SECRET", "../secret.txt": "SECRET",
            "../site-other/x.txt": "SECRET",
        ])
        try site.link("out-absolute", to: "/etc/passwd")
        try site.link("out-relative", to: "../secret.txt")
        try site.link("out-directory", to: "..")
        try site.link("slash", to: "/")
        try site.link("docs/inside", to: "../a.txt")
        try site.link("docs/up", to: "..")
        try site.link("absolute-inside", to: site.path + "/a.txt")
        try site.link("to-dotfile", to: ".env")
        try site.link("to-dot-directory", to: ".git")
        try site.link("loop", to: "loop")
        try site.link("dangling", to: "nothing")
        try site.link("proc", to: "/proc/self/environ")
        return site
    }

    @Test(arguments: [
        "/..", "/../", "/../secret.txt", "/docs/../a.txt", "/docs/../../secret.txt", "/docs/..",
        "/%2e%2e/secret.txt", "/%2e./secret.txt", "/.%2e/secret.txt", "/%2E%2E%2Fsecret.txt", "/..%2fsecret.txt",
        "/..%2Fsecret.txt", "/docs%2fb.txt", "/docs/%2e%2e/%2e%2e/secret.txt", "//../secret.txt", "/a.txt%00",
        "/a.txt%00.png", "/%00", "/%", "/%4", "/%zz", "/a%", "/%2", "/%%32%65", "/%-1",
    ])
    func pathsThatTrickAreMalformed(path: String) throws {
        #expect(try temptingSite().root().get(path).status == 400)
    }

    @Test(arguments: [
        "/.", "/./", "/./a.txt", "/docs/./b.txt", "/.env", "/%2eenv", "/.git/config", "/.git", "/.git/",
        "/docs/.htpasswd",
        "/docs/.hidden/x.txt", "/docs/%2ehidden/x.txt", "/..foo", "/...", "/....//secret.txt", "/...//",
    ])
    func dottedNamesAreNotFound(path: String) throws {
        #expect(try temptingSite().root().get(path).status == 404)
    }

    @Test(arguments: [
        "/..\\secret.txt", "/..%5csecret.txt", "/docs/..%5c..%5csecret.txt", "/%c0%ae%c0%ae/secret.txt",
        "/%c0%ae%c0%ae%c0%afsecret.txt", "/%e0%80%ae%e0%80%ae/secret.txt", "/%uff0e%uff0e/secret.txt",
        "/\u{FF0E}\u{FF0E}/secret.txt", "/%252e%252e/secret.txt", "/%252e%252e%252fsecret.txt", "/site-other/x.txt",
        "/etc/passwd", "//etc/passwd", "/docs/b.txt/..;/a.txt", "/..;/secret.txt",
    ])
    func otherSpellingsFindNothing(path: String) throws {
        let answer = try temptingSite().root().get(path)
        #expect(answer.status == 404 || answer.status == 400)
    }

    @Test(arguments: [
        "/out-absolute", "/out-relative", "/out-directory/secret.txt", "/out-directory/", "/out-directory",
        "/slash/etc/passwd", "/slash", "/docs/up/up", "/to-dotfile", "/to-dot-directory/config", "/to-dot-directory",
        "/to-dot-directory/", "/loop", "/dangling", "/proc", "/absolute-inside",
    ])
    func linksThatLeadAwayFindNothing(path: String) throws {
        #expect(try temptingSite().root().get(path).status == 404)
    }

    @Test func linksThatStayInsideWork() throws {
        let root = try temptingSite().root()
        #expect(root.get("/docs/inside").content == "a")
        #expect(root.get("/docs/up/a.txt").content == "a")
        #expect(root.get("/docs/up/docs/deep/c.txt").content == "c")
        #expect(root.get("/docs/up").location == "/docs/up/")
        #expect(root.get("/docs/up/").content == "home")
    }

    @Test func dotsInsideANameAreFine() throws {
        #expect(try temptingSite().root().get("/visible..name").content == "fine")
    }

    @Test func anIndexLinkThatLeadsToADotfileIsNone() throws {
        let site = try Site(["d/.real.html": "SECRET"])
        try site.link("d/index.html", to: ".real.html")
        #expect(try site.root().get("/d/").status == 403)
    }

    @Test func aSiteBelowADottedDirectoryIsServedThroughLinksToo() throws {
        let site = try Site([".well/known/a.txt": "a"])
        try site.link(".well/known/b.txt", to: "a.txt")
        let directory = try FileDirectory(path: site.path + "/.well/known")
        let root = Served(site: site, root: FileRoot(directory: directory))
        #expect(root.get("/b.txt").content == "a")
    }

    @Test(arguments: ["", "*", "a.txt", "example.com:443", "http://x/a.txt"])
    func whatIsNoAbsolutePathIsMalformed(path: String) throws {
        #expect(try temptingSite().root().get(path).status == 400)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func randomPathsNeverEscape(seed: UInt64) throws {
        let site = try temptingSite()
        let root = try site.root()
        let top = (site.path as NSString).resolvingSymlinksInPath
        let pieces: [[UInt8]] =
            [
                "/", "/", "/", "..", ".", "%2e", "%2E", "%2f", "%5c", "\\", "%00", "%", "docs", "a.txt", "b.txt",
                "deep",
                "up", "inside", "out-relative", "out-absolute", "out-directory", "slash", "etc", "passwd", "to-dotfile",
                ".env", ".git", "config", "secret.txt", "index.html", "loop", "%c0%ae", "%64ocs", "?", "#", ";", "%zz",
            ].map { Array($0.utf8) } + [[0xFF], [0x00], [0xC0, 0xAE]]
        var random = SeededRandom(seed: seed)
        var served = 0
        for _ in 0..<3_000 {
            var path: [UInt8] = [0x2F]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                path += pieces.randomElement(using: &random) ?? []
                if Bool.random(using: &random) { path.append(0x2F) }
            }
            guard let file = root.get(path).file else { continue }
            served += 1
            let place = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(file.descriptor)")
            let text = String(decoding: path, as: UTF8.self)
            #expect(place.hasPrefix(top + "/"), "seed \(seed): \(text) led to \(place)")
            #expect(!place.dropFirst(top.count).contains("/."), "seed \(seed): \(text) led to \(place)")
        }
        #expect(served > 0, "the paths were too random to find anything")
    }
}
