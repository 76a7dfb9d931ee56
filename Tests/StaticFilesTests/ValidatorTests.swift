// Conditional requests (RFC 9110 section 13).

import Basics
import HTTP
import StaticFiles
import Testing

@Suite struct ValidatorTests {
    // 2023-11-14 22:13:20 UTC.
    private let site: Site
    private let root: Served
    private let etag: String
    private static let modified = "Tue, 14 Nov 2023 22:13:20 GMT"
    private static let earlier = "Tue, 14 Nov 2023 22:13:19 GMT"
    private static let later = "Wed, 15 Nov 2023 22:13:20 GMT"

    init() throws {
        site = try Site(["a.txt": "one"])
        root = try site.root()
        etag = try #require(root.get("/a.txt").field("etag"))
    }

    @Test func aFileSaysWhenItChangedAndWhatItIs() {
        let answer = root.get("/a.txt")
        #expect(answer.field("last-modified") == Self.modified)
        #expect(etag == "\"\(String(1_700_000_000_000_000_000, radix: 16))-3\"")
        #expect(answer.field("content-type") == "text/plain; charset=utf-8")
        #expect(answer.field("content-length") == nil)
    }

    @Test func aChangeChangesTheTag() throws {
        try site.write("a.txt", "two", modified: 1_700_000_000.25)
        #expect(root.get("/a.txt").field("etag") != etag)
        try site.write("a.txt", "three")
        #expect(root.get("/a.txt").field("etag") != etag)
        try site.write("a.txt", "one")
        #expect(root.get("/a.txt").field("etag") == etag)
    }

    @Test func tagsThatMatch() {
        for list in [
            etag, "W/\(etag)", "*", " * ", "\"x\", \(etag)", "\"x\",\(etag),\"y\"", ", ,\(etag)", "W/\"x\",W/\(etag)",
        ] {
            let answer = root.get("/a.txt", ifNoneMatch: list)
            #expect(answer.status == 304, "\(list)")
        }
    }

    @Test func tagsThatDoNot() {
        for list in [
            "", "\"x\"", "x", etag + "x", "\"" + etag, String(etag.dropLast()), "w/\(etag)", "**", "* , \(etag)",
            "\"x\" \(etag)", "\(etag) \"x\"", "\"\(etag)\"", "\"",
        ] {
            #expect(root.get("/a.txt", ifNoneMatch: list).status == 200, "\(list)")
        }
    }

    @Test func datesThatMatchAndDatesThatDoNot() {
        #expect(root.get("/a.txt", ifModifiedSince: Self.modified).status == 304)
        #expect(root.get("/a.txt", ifModifiedSince: Self.later).status == 304)
        #expect(root.get("/a.txt", ifModifiedSince: Self.earlier).status == 200)
        #expect(root.get("/a.txt", ifModifiedSince: "yesterday").status == 200)
        #expect(root.get("/a.txt", ifModifiedSince: "").status == 200)
    }

    @Test func aTagDecidesBeforeADate() {
        #expect(root.get("/a.txt", ifNoneMatch: "\"x\"", ifModifiedSince: Self.modified).status == 200)
        #expect(root.get("/a.txt", ifNoneMatch: etag, ifModifiedSince: Self.earlier).status == 304)
    }

    @Test func headIsNotModifiedEither() {
        #expect(root.get("/a.txt", method: .head, ifNoneMatch: etag).status == 304)
    }

    @Test func anUnchangedAnswerStillNamesItsValidators() throws {
        let answer = root.get("/a.txt", ifNoneMatch: etag)
        #expect(answer.field("etag") == etag)
        #expect(answer.field("last-modified") == Self.modified)
        #expect(answer.field("content-type") == nil)
    }

    @Test func aRequestForAnotherStateFailsItsPrecondition() {
        for list in ["\"x\"", "", "x", "W/\(etag)", "\"x\", W/\(etag)"] {
            #expect(root.get("/a.txt", ifMatch: list).status == 412, "\(list)")
        }
        for list in [etag, "*", "\"x\", \(etag)", "W/\"x\",\(etag)"] {
            #expect(root.get("/a.txt", ifMatch: list).status == 200, "\(list)")
        }
        #expect(root.get("/a.txt", ifUnmodifiedSince: Self.earlier).status == 412)
        #expect(root.get("/a.txt", ifUnmodifiedSince: Self.modified).status == 200)
        #expect(root.get("/a.txt", ifUnmodifiedSince: Self.later).status == 200)
        #expect(root.get("/a.txt", method: .head, ifUnmodifiedSince: Self.earlier).status == 412)
    }

    @Test func aDateThatCannotBeReadIsNoPrecondition() {
        #expect(root.get("/a.txt", ifUnmodifiedSince: "yesterday").status == 200)
    }

    @Test func preconditionsHaveTheirOrder() {
        // If-Match takes precedence over If-Unmodified-Since, and both over conditions that may lead to 304.
        #expect(root.get("/a.txt", ifMatch: etag, ifUnmodifiedSince: Self.earlier).status == 200)
        #expect(root.get("/a.txt", ifMatch: "\"x\"", ifUnmodifiedSince: Self.later).status == 412)
        #expect(root.get("/a.txt", ifMatch: "\"x\"", ifNoneMatch: etag).status == 412)
        #expect(root.get("/a.txt", ifMatch: etag, ifNoneMatch: etag).status == 304)
        #expect(root.get("/a.txt", ifUnmodifiedSince: Self.earlier, ifModifiedSince: Self.later).status == 412)
        #expect(root.get("/a.txt", ifUnmodifiedSince: Self.later, ifModifiedSince: Self.later).status == 304)
    }

    @Test func aListMayBeSpreadOverSeveralFields() {
        let path = Array("/a.txt".utf8)
        #expect(root.get(path, fields: [(.ifMatch, "\"x\""), (.ifMatch, etag)]).status == 200)
        #expect(root.get(path, fields: [(.ifNoneMatch, "\"x\""), (.ifNoneMatch, etag)]).status == 304)
        #expect(root.get(path, fields: [(.ifMatch, "\"x\""), (.ifMatch, "\"y\"")]).status == 412)
    }

    @Test func whatIsMissingFailsNoPrecondition() {
        #expect(root.get("/none", ifMatch: "\"x\"").status == 404)
        #expect(root.get("/a.txt", method: .post, ifMatch: "\"x\"").status == 405)
    }

    @Test func aFileFromTheFutureChangedNow() throws {
        try site.write("future.txt", "f", modified: 1_900_000_000)
        let now = WallTime(seconds: 1_700_000_000)
        #expect(root.get("/future.txt", now: now).field("last-modified") == Self.modified)
    }

    @Test func whatIsMissingIsNeverNotModified() {
        #expect(root.get("/none", ifNoneMatch: "*").status == 404)
    }

    @Test func anIndexHasValidatorsToo() throws {
        try site.write("index.html", "home")
        let tag = try #require(root.get("/").field("etag"))
        #expect(root.get("/", ifNoneMatch: tag).status == 304)
    }
}
