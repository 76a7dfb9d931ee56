// Files that are kept open: what makes an entry, how long it is used, what changes it sees, and its bounds.

import Basics
import Foundation
import Glibc
import HTTP
import Testing

@testable import StaticFiles

/// A site that is asked through a cache, with clocks that the test moves.
private final class Cached {
    let site: Site
    let root: FileRoot
    var cache: FileCache
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// Later than the files' times by more than a file system's clock may be wrong.
    var wall = WallTime(seconds: WallTime.now().seconds + 100)

    init(
        _ files: [String: String] = ["a.txt": "alpha", "b.txt": "beta", "c.txt": "gamma"],
        index: [String] = ["index.html"], limits: FileCache.Limits = FileCache.Limits()
    ) throws {
        site = try Site(files)
        root = FileRoot(directory: try FileDirectory(path: site.path), indexNames: index)
        cache = FileCache(limits)
    }

    func get(_ path: String, method: HTTP.Method = .get, fields: [(KnownField, String)] = []) -> FileAnswer {
        var request = HeaderFields()
        for (field, value) in fields { request.append(field, value) }
        return unsafe root.answer(
            method: method, path: Array(path.utf8).span.bytes, fields: request, now: wall, at: now, keptIn: &cache)
    }

    /// Two requests, after which the file is kept.
    func warm(_ paths: String...) {
        for path in paths {
            _ = get(path)
            _ = get(path)
        }
    }

    func removeAll() -> Int { cache.removeAll() }

    func removeOldest() -> Bool { cache.removeOldest() }

    func pass(_ span: TimeSpan) { now = now + span }

    /// Whether a request is answered without a look-up.
    func isKept(_ path: String) -> Bool {
        let before = cache.counts.lookUps
        _ = get(path)
        return cache.counts.lookUps == before
    }
}

private func limits(_ change: (inout FileCache.Limits) -> Void) -> FileCache.Limits {
    var limits = FileCache.Limits()
    change(&limits)
    return limits
}

@Suite struct FileCacheTests {
    @Test("The second request within seconds makes an entry, and the third opens nothing")
    func secondUse() throws {
        let served = try Cached()
        #expect(served.get("/a.txt").file?.content == nil)
        #expect(served.cache.count == 0)
        let kept = try #require(served.get("/a.txt").file)
        #expect(served.cache.count == 1)
        #expect(kept.content == Array("alpha".utf8))
        let lookUps = served.cache.counts.lookUps
        for _ in 1...100 {
            served.pass(.milliseconds(1))
            #expect(served.get("/a.txt").file === kept)
        }
        #expect(served.cache.counts == FileCache.Counts(hits: 100, lookUps: lookUps))
    }

    @Test("A request long after the first is a first one again")
    func lateSecondUse() throws {
        let served = try Cached()
        _ = served.get("/a.txt")
        served.pass(.seconds(11))
        _ = served.get("/a.txt")
        #expect(served.cache.count == 0)
        served.pass(.seconds(9))
        _ = served.get("/a.txt")
        #expect(served.cache.count == 1)
    }

    @Test("All spellings of a path are one entry, and a directory's slash makes another")
    func spellings() throws {
        let served = try Cached(["sub/index.html": "index"])
        served.warm("/sub/index.html")
        #expect(served.isKept("/sub//index%2ehtml"))
        #expect(!served.isKept("/sub/"))
        served.warm("/sub/")
        #expect(served.get("/sub/").content == "index")
        #expect(served.get("/sub").status == 301)
        #expect(served.cache.count == 2)
    }

    @Test("Two directories with the same names do not share entries")
    func roots() throws {
        let served = try Cached()
        served.warm("/a.txt")
        let other = try Site(["a.txt": "another"])
        let root = FileRoot(directory: try FileDirectory(path: other.path))
        let fields = HeaderFields()
        for _ in 1...3 {
            let answer = unsafe root.answer(
                method: .get, path: Array("/a.txt".utf8).span.bytes, fields: fields, now: served.wall, at: served.now,
                keptIn: &served.cache)
            #expect(answer.content == "another")
        }
        #expect(served.get("/a.txt").content == "alpha")
        #expect(served.cache.count == 2)
    }

    @Test("Preconditions and HEAD are answered from the entry as from a look-up")
    func preconditions() throws {
        let served = try Cached()
        let etag = try #require(served.get("/a.txt").field("etag"))
        served.warm("/a.txt")
        #expect(served.get("/a.txt", fields: [(.ifNoneMatch, etag)]).status == 304)
        #expect(served.get("/a.txt", fields: [(.ifMatch, "\"other\"")]).status == 412)
        #expect(served.get("/a.txt", method: .head).field("etag") == etag)
        #expect(served.get("/a.txt", method: .post).status == 405)
        #expect(served.cache.counts.lookUps == 2)
    }

    @Test("Missing files, directories and refused paths are not kept")
    func refusals() throws {
        let served = try Cached(["sub/page": "x"])
        for path in ["/none", "/sub", "/sub/", "/.hidden", "/a%00"] { served.warm(path) }
        #expect(served.cache.count == 0)
        try served.site.write("none", "there now")
        #expect(served.get("/none").content == "there now")
    }
}

@Suite struct FileCacheValidityTests {
    @Test("A file that is written, truncated, replaced or deleted is seen in the next turn")
    func changes() throws {
        let served = try Cached()
        served.warm("/a.txt")
        try served.site.write("a.txt", "changed", modified: 1_700_000_001)
        served.pass(.milliseconds(1))
        #expect(served.get("/a.txt").content == "changed")

        try served.site.write("new", "replaced")
        #expect(unsafe rename(served.site.path + "/new", served.site.path + "/a.txt") == 0)
        served.pass(.milliseconds(1))
        #expect(served.get("/a.txt").content == "replaced")

        #expect(unsafe unlink(served.site.path + "/a.txt") == 0)
        served.pass(.milliseconds(1))
        #expect(served.get("/a.txt").status == 404)
        #expect(served.cache.count == 0)
    }

    @Test("A renamed folder is seen within a second, and not before the entry is a second old")
    func renamedFolder() throws {
        let served = try Cached(["v1/app.js": "one", "v2/app.js": "two"])
        served.warm("/v1/app.js")
        #expect(unsafe rename(served.site.path + "/v1", served.site.path + "/old") == 0)
        #expect(unsafe rename(served.site.path + "/v2", served.site.path + "/v1") == 0)
        served.pass(.milliseconds(999))
        #expect(served.isKept("/v1/app.js"))
        served.pass(.milliseconds(1))
        #expect(served.get("/v1/app.js").content == "two")
    }

    @Test("A link that points elsewhere, or out of the directory, is seen within a second")
    func links() throws {
        let served = try Cached()
        try served.site.write("../secret", "secret")
        try served.site.link("current", to: "a.txt")
        served.warm("/current")
        #expect(served.get("/current").content == "alpha")
        #expect(unsafe unlink(served.site.path + "/current") == 0)
        try served.site.link("current", to: "b.txt")
        served.pass(.seconds(1))
        #expect(served.get("/current").content == "beta")
        #expect(unsafe unlink(served.site.path + "/current") == 0)
        try served.site.link("current", to: "../secret")
        served.pass(.seconds(1))
        #expect(served.get("/current").status == 404)
        #expect(served.cache.count == 0)
    }

    @Test("An index that comes before the one that is kept is seen within a second")
    func earlierIndex() throws {
        let served = try Cached(["two.html": "two"], index: ["one.html", "two.html"])
        served.warm("/")
        #expect(served.get("/").content == "two")
        try served.site.write("one.html", "one")
        served.pass(.seconds(1))
        #expect(served.get("/").content == "one")
    }

    @Test("The file is examined once a turn, however many requests it has")
    func onceATurn() throws {
        let served = try Cached()
        served.warm("/a.txt")
        try served.site.write("a.txt", "changed", modified: 1_700_000_001)
        #expect(served.get("/a.txt").file?.content == Array("alpha".utf8), "the same turn")
        served.pass(.milliseconds(1))
        #expect(served.get("/a.txt").content == "changed")
    }

    @Test("The content of a file that was just changed is not kept: its next change may bear the same time")
    func justChanged() throws {
        let served = try Cached()
        served.wall = .now()
        try served.site.write("a.txt", "fresh")
        served.warm("/a.txt")
        #expect(served.cache.count == 1)
        #expect(served.get("/a.txt").file?.content == nil)
        #expect(served.get("/a.txt").content == "fresh")
        served.wall.seconds += 3
        served.pass(.seconds(1))
        #expect(served.get("/a.txt").file?.content == Array("fresh".utf8))
    }

    @Test("A response goes on with its file when the entry is dropped")
    func responseGoesOn() throws {
        let served = try Cached()
        served.warm("/a.txt")
        let answer = served.get("/a.txt")
        #expect(unsafe unlink(served.site.path + "/a.txt") == 0)
        #expect(served.removeAll() == 1)
        #expect(answer.content == "alpha")
    }
}

@Suite struct FileCacheBoundTests {
    @Test("The least recently used file makes room")
    func order() throws {
        let served = try Cached(limits: limits { $0.files = 2 })
        served.warm("/a.txt", "/b.txt")
        #expect(served.isKept("/a.txt"))
        served.warm("/c.txt")
        #expect(served.cache.count == 2)
        #expect(served.isKept("/a.txt"))
        #expect(served.isKept("/c.txt"))
        #expect(!served.isKept("/b.txt"))
    }

    @Test("A scan of many files evicts none, and no descriptor is left open")
    func scan() throws {
        let names = (0..<500).map { "scan/\($0).txt" }
        let served = try Cached(
            Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }).merging(["a.txt": "alpha"]) { a, _ in a },
            limits: limits { $0.files = 4 })
        served.warm("/a.txt")
        for name in names { #expect(served.get("/" + name).content == name) }
        #expect(served.cache.count == 1)
        #expect(served.isKept("/a.txt"))
        for name in names { _ = served.get("/" + name) }
        #expect(served.cache.count <= 4)
    }

    @Test("Contents and paths have a bound together; a file beyond it is served all the same")
    func bytes() throws {
        let kilobyte = String(repeating: "x", count: 1_024)
        let served = try Cached(
            ["a": kilobyte, "b": kilobyte, "c": kilobyte, "d": kilobyte + kilobyte + kilobyte],
            limits: limits { $0.bytes = 2_060 })
        served.warm("/a", "/b", "/c")
        #expect(served.cache.count == 2)
        #expect(served.cache.bytes == 2 * 1_025)
        #expect(!served.isKept("/a"))
        served.warm("/d")
        #expect(served.get("/d").file?.size == 3_072)
        #expect(served.cache.bytes <= 2_060)
        #expect(served.removeAll() > 0)
        #expect(served.cache.bytes == 0 && served.cache.count == 0)
    }

    @Test("A file beyond the size for contents is kept open, without its bytes")
    func bigFile() throws {
        let served = try Cached(["big": String(repeating: "x", count: 11)], limits: limits { $0.contentBytes = 10 })
        served.warm("/big")
        #expect(served.isKept("/big"))
        #expect(served.get("/big").file?.content == nil)
        #expect(served.cache.bytes == 3)
    }

    @Test("A file that was not used for the idle time is closed")
    func idle() throws {
        let served = try Cached()
        served.warm("/a.txt", "/b.txt")
        served.pass(.seconds(40))
        _ = served.get("/b.txt")
        served.pass(.seconds(21))
        served.cache.removeIdle(at: served.now)
        #expect(served.cache.count == 1)
        served.pass(.seconds(60))
        served.cache.removeIdle(at: served.now)
        #expect(served.cache.count == 0)
    }

    @Test("removeOldest closes one file after the other, in the order of use")
    func removeOldest() throws {
        let served = try Cached()
        served.warm("/a.txt", "/b.txt", "/c.txt")
        #expect(served.isKept("/a.txt"))
        #expect(served.removeOldest())
        #expect(!served.isKept("/b.txt"))
        _ = served.cache.removeAll()
        #expect(!served.removeOldest())
    }

    @Test("Places of dropped entries are used again, whatever the order")
    func churn() throws {
        let names = (0..<20).map { "\($0)" }
        let served = try Cached(
            Dictionary(uniqueKeysWithValues: names.map { ($0, "content of \($0)") }), limits: limits { $0.files = 5 })
        for round in 0..<2_000 {
            let name = names[(round &* 7 &+ round / 13) % names.count]
            #expect(served.get("/" + name).content == "content of \(name)")
            if round % 97 == 0 { _ = served.cache.removeOldest() }
            if round % 401 == 0 { _ = served.cache.removeAll() }
            #expect(served.cache.count <= 5)
            if round % 3 == 0 { served.pass(.milliseconds(100)) }
        }
        #expect(served.cache.counts.hits > 0)
    }
}
