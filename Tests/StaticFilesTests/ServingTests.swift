// Serving files: contents, index, redirects, media types, statuses.

import Basics
import Foundation
import Glibc
import HTTP
import StaticFiles
import Testing

@Suite struct ServingTests {
    @Test func aFileIsFoundByItsPath() throws {
        let root = try Site(["a.txt": "one", "deep/er/b.txt": "two"]).root()
        #expect(root.get("/a.txt").content == "one")
        #expect(root.get("/deep/er/b.txt").content == "two")
        #expect(root.get("/missing.txt").status == 404)
        #expect(root.get("/a.txt/below").status == 404)
    }

    @Test func slashesInARowCountAsOne() throws {
        let root = try Site(["deep/b.txt": "two"]).root()
        #expect(root.get("//deep///b.txt").content == "two")
    }

    @Test func escapesAreDecodedOnce() throws {
        let root = try Site(["with space.txt": "s", "per%20cent.txt": "p", "ü.txt": "u"]).root()
        #expect(root.get("/with%20space.txt").content == "s")
        #expect(root.get("/per%2520cent.txt").content == "p")
        #expect(root.get("/%C3%bc.txt").content == "u")
    }

    @Test func aBackslashIsAByteOfTheName() throws {
        let root = try Site(["back\\slash.txt": "b"]).root()
        #expect(root.get("/back\\slash.txt").content == "b")
        #expect(root.get("/back%5cslash.txt").content == "b")
    }

    @Test func aDirectoryIsItsIndex() throws {
        let root = try Site(["index.html": "home", "docs/index.html": "docs", "empty/x.txt": ""]).root()
        #expect(root.get("/").content == "home")
        #expect(root.get("/docs/").content == "docs")
        #expect(root.get("/empty/").status == 403)
        #expect(root.get("/nowhere/").status == 404)
        #expect(root.get("/index.html/").status == 404)
    }

    @Test func theFirstIndexNameThatExistsWins() throws {
        let site = try Site(["one/index.htm": "htm", "two/index.htm": "htm", "two/home.html": "home"])
        let root = try site.root(index: ["home.html", "index.htm"])
        #expect(root.get("/one/").content == "htm")
        #expect(root.get("/two/").content == "home")
        #expect(root.get("/one/").field("content-type") == "text/html; charset=utf-8")
    }

    @Test func anIndexThatIsADirectoryIsNone() throws {
        let root = try Site(["odd/index.html/x": ""]).root()
        #expect(root.get("/odd/").status == 403)
    }

    @Test func aDirectoryWithoutItsSlashIsRedirected() throws {
        let root = try Site(["docs/index.html": "docs", "a b/c": ""]).root()
        #expect(root.get("/docs").status == 301)
        #expect(root.get("/docs").location == "/docs/")
        #expect(root.get("/docs").field("location", query: "a=1&b=%20") == "/docs/?a=1&b=%20")
        #expect(root.get("/docs").field("location", query: "x y\r\nset-cookie: 1") == "/docs/")
        #expect(root.get("/a%20b").location == "/a%20b/")
    }

    @Test func aRedirectStaysOnItsHost() throws {
        let root = try Site(["evil.example/x": "", "\\evil.example/x": ""]).root()
        #expect(root.get("//evil.example").location == "/evil.example/")
        #expect(root.get("/%5Cevil.example").location == "/%5Cevil.example/")
        #expect(root.get("/\\evil.example").location == "/%5Cevil.example/")
    }

    @Test func aPrefixIsStrippedWhereItIsThere() throws {
        let root = try Site(["app.css": "css", "index.html": "home", "sub/x": ""]).root(strip: "/static/v1/")
        #expect(root.get("/static/v1/app.css").content == "css")
        #expect(root.get("/static/%761/app.css").content == "css")
        #expect(root.get("/app.css").content == "css")
        #expect(root.get("/static/v1/").content == "home")
        #expect(root.get("/static/v1").location == "/static/v1/")
        #expect(root.get("/static/v1/sub").location == "/static/v1/sub/")
        #expect(root.get("/static/v12/app.css").status == 404)
    }

    @Test func headIsAnsweredLikeGet() throws {
        let root = try Site(["a.txt": "one"]).root()
        let answer = root.get("/a.txt", method: .head)
        #expect(answer.status == 200)
        #expect(answer.file?.size == 3)
    }

    @Test(arguments: [HTTP.Method.post, .put, .delete, .options, .patch, .trace, .connect, .other])
    func otherMethodsAreNotAllowed(method: HTTP.Method) throws {
        let answer = try Site().root().get("/index.html", method: method)
        #expect(answer.status == 405)
        #expect(answer.field("allow") == "GET, HEAD")
    }

    @Test func whatIsNoFileOrDirectoryIsNotServed() throws {
        let site = try Site()
        #expect(unsafe mkfifo(site.path + "/pipe", 0o644) == 0)
        let root = try site.root()
        #expect(root.get("/pipe").status == 404)
        try site.link("null", to: "/dev/null")
        #expect(root.get("/null").status == 404)
    }

    @Test func aFileThatMayNotBeReadIsForbidden() throws {
        let site = try Site(["secret.txt": "s"])
        #expect(unsafe chmod(site.path + "/secret.txt", 0) == 0)
        // Root can read every file: the test cannot show anything.
        let mayRead = unsafe access(site.path + "/secret.txt", R_OK) == 0
        #expect(try site.root().get("/secret.txt").status == (mayRead ? 200 : 403))
    }

    @Test func aVeryLongPathIsNotFound() throws {
        let root = try Site().root()
        #expect(root.get("/" + String(repeating: "a", count: 255)).status == 404)
        #expect(root.get("/" + String(repeating: "a", count: 256)).status == 404)
        #expect(root.get("/" + String(repeating: "a", count: 100_000)).status == 404)
        #expect(root.get("/" + String(repeating: "a/", count: 50_000)).status == 404)
    }

    @Test func mediaTypesComeFromTheLastExtension() throws {
        let names = [
            "a.html": "text/html; charset=utf-8", "a.HTML": "text/html; charset=utf-8",
            "a.js": "text/javascript; charset=utf-8", "a.min.css": "text/css; charset=utf-8",
            "a.json": "application/json",
            "a.png": "image/png", "a.svg": "image/svg+xml; charset=utf-8", "a.woff2": "font/woff2",
            "a.wasm": "application/wasm", "a.tar.gz": "application/gzip", "a.mp4": "video/mp4",
            "a.webmanifest": "application/manifest+json", "README": "application/octet-stream",
            "a.": "application/octet-stream", "a.unknown": "application/octet-stream",
            "a.averyveryverylongextension": "application/octet-stream",
        ]
        let root = try Site(names).root()
        for (name, type) in names { #expect(root.get("/" + name).field("content-type") == type, "\(name)") }
    }

    @Test func aMissIsWhatAServerMightAnswer() throws {
        let root = try Site(["a.txt": "", "dir/x": ""]).root()
        #expect(root.get("/none").isMiss)
        #expect(root.get("/dir/").isMiss)
        #expect(root.get("/a.txt", method: .post).isMiss)
        #expect(!root.get("/a.txt").isMiss)
        #expect(!root.get("/dir").isMiss)
        #expect(!root.get("/..").isMiss)
    }

    @Test func theDirectoryStaysTheSameWhenItIsRenamed() throws {
        let site = try Site(["a.txt": "one"])
        let root = try site.root()
        try FileManager.default.moveItem(atPath: site.path, toPath: site.base + "/moved")
        #expect(root.get("/a.txt").content == "one")
    }

    @Test func anAnswerClosesItsFile() throws {
        let root = try Site(["a.txt": "one"]).root()
        var descriptor: Int32 = -1
        do {
            let answer = root.get("/a.txt")
            descriptor = try #require(answer.file).descriptor
            let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
            #expect(link.hasSuffix("/site/a.txt"))
        }
        // Another test may have reused the descriptor's number meanwhile, but not for this file.
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
        #expect(link?.hasSuffix("/site/a.txt") != true)
    }

    @Test func aMissingDirectoryIsAFaultWithItsName() throws {
        let site = try Site()
        #expect(throws: FileDirectory.Fault.self) { try FileDirectory(path: site.path + "/none") }
        do throws(FileDirectory.Fault) {
            _ = try FileDirectory(path: site.path + "/index.html")
        } catch {
            #expect(error.description == "'\(site.path)/index.html' is not a directory")
        }
    }
}
