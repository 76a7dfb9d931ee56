// The stats page: it shows the snapshot, is valid and safe for any contents, and respects access rules.

import Admin
import Basics
import Foundation
import HTTP
import Testing

@Suite struct PageTests {
    private func page(
        _ settings: StatsPageSettings = openPage(), _ snapshot: StatsSnapshot = Sample.snapshot(), target: String = "/"
    ) -> String {
        answer(target, settings, snapshot: snapshot)?.text ?? ""
    }

    @Test func itSaysWhatTheSnapshotSays() {
        let text = page(
            openPage {
                $0.showsNode = true; $0.showsDescription = true
            })
        for part in [
            "<title>Portico · edge-1</title>", "<small>0.1.0</small>", "<b>edge-1</b> Front door of the shop",
            "<dd class=\"bad\">4 <small>of 7 up</small></dd>", "1,873 <small>max 9,120</small>",
            "312 <small>of 20,000</small>", "48,120,345", "809 GiB <small>33 MiB/s</small>", "22 MiB", "3d 4h",
            "<b>2 servers are down:</b> <a href=\"#b3\">app/flask3</a>, <a href=\"#b3\">app/flask4</a>",
            "<section id=\"b3\">\n<h2>app <small>roundrobin</small> <small>Flask</small></h2>",
            "<tr class=\"good\"><th scope=\"row\">flask1<small>127.0.0.1:8001</small></th>",
            "<span class=\"s\">UP</span> <span class=\"m\">3d 4h</span>",
            "<span class=\"s\">DOWN</span> <span class=\"m\">4m 12s</span>",
            "title=\"Layer4 connection problem\">L4CON <span class=\"m\">0 ms</span><small>Connection refused</small>",
            "L7OK 200 <span class=\"m\">2 ms</span>", "<td>2× <span class=\"m\">5m 52s</span></td>",
            "spare <i>backup</i>", "title=\"2xx 1,200,000, 3xx 30,000, 4xx 30,000, 5xx 40\"",
            "5 of 8 up", "<h2>Backends without servers</h2>", "process 4711, 4 threads",
        ] { #expect(text.contains(part), "\(part)") }
    }

    @Test func stateDecidesTheColour() {
        let text = page()
        for (tone, name) in [
            ("good", "flask1"), ("chg", "flask2"), ("bad", "flask3"), ("chg", "flask4"), ("idle", "flask5"),
            ("idle", "flask6"), ("idle", "flask7"), ("good", "spare"), ("good", "www"),
        ] { #expect(text.contains("<tr class=\"\(tone)\"><th scope=\"row\">\(name)"), "\(name)") }
    }

    @Test func itNeedsNothingButItself() throws {
        let response = try #require(answer("/", openPage()))
        #expect(response.status == 200)
        #expect(response.field("content-type") == "text/html; charset=utf-8")
        #expect(response.field("cache-control") == "no-cache")
        #expect(response.field("content-security-policy")?.hasPrefix("default-src 'none'") == true)
        let text = response.text
        #expect(text.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        #expect(!text.contains("<script"))
        #expect(!text.contains("src="))
        // The only URL is the namespace of SVG.
        #expect(text.components(separatedBy: "://").count - 1 == 1)
        #expect(text.contains("prefers-color-scheme: dark"))
        #expect(text.contains("width=device-width"))
    }

    @Test func everyElementIsClosed() throws {
        let text = page(
            openPage {
                $0.refresh = .seconds(5); $0.showsNode = true
            })
        let void: Set<Substring> = ["meta", "link", "path", "!DOCTYPE"]
        var open: [Substring] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("/") {
                #expect(open.popLast() == tag.dropFirst(), "</\(tag.dropFirst())>")
            } else if let name = tag.split(separator: " ").first, !void.contains(name) {
                open.append(name)
                if name == "style" { rest = rest[(try #require(rest.range(of: "</style>"))).lowerBound...] }
            }
        }
        #expect(open.isEmpty, "\(open)")
    }

    @Test func tablesSayWhatTheirCellsAre() {
        let text = page()
        let rows = text.components(separatedBy: "<tr").dropFirst()
        for row in rows where !row.contains("scope=\"col\"") { #expect(row.contains("<th scope=\"row\">"), "\(row)") }
        // Every row of a table has as many cells as its header.
        for table in text.components(separatedBy: "<table>").dropFirst() {
            let parts = table.components(separatedBy: "<tr").dropFirst().map { row in
                row.components(separatedBy: "<td").count + row.components(separatedBy: "<th ").count - 2
            }
            #expect(Set(parts).count == 1, "\(parts)")
        }
    }

    @Test func namesStayText() {
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"
        var snapshot = Sample.snapshot()
        snapshot.process.name = evil
        snapshot.process.version = evil
        snapshot.process.node = evil
        snapshot.process.description = evil
        for i in snapshot.proxies.indices {
            snapshot.proxies[i].name = evil
            snapshot.proxies[i].description = evil
            snapshot.proxies[i].mode = evil
            snapshot.proxies[i].backend?.algorithm = evil
            for j in snapshot.proxies[i].servers.indices {
                snapshot.proxies[i].servers[j].name = evil
                snapshot.proxies[i].servers[j].address = evil
                snapshot.proxies[i].servers[j].check?.code = evil
                snapshot.proxies[i].servers[j].check?.meaning = evil
                snapshot.proxies[i].servers[j].check?.detail = evil
            }
        }
        let settings = openPage {
            $0.uri = "/\"><script>"
            $0.showsNode = true
            $0.showsDescription = true
        }
        let text = page(settings, snapshot, target: "/\"><script>")
        #expect(
            text.contains(
                "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;"))
        #expect(!text.contains("<script"))
        #expect(!text.contains("<img"))
        #expect(!text.contains("\"'"))
    }

    @Test func whatIsHiddenIsNotThere() {
        let text = page(
            openPage {
                $0.hidesVersion = true; $0.showsLegends = false
            })
        for part in ["0.1.0", "edge-1", "Front door", "127.0.0.1", "roundrobin"] {
            #expect(!text.contains(part), "\(part)")
        }
    }

    @Test func aNodeMayHaveAnotherName() {
        let text = page(
            openPage {
                $0.showsNode = true; $0.node = "left"; $0.showsDescription = true; $0.description = "door"
            })
        #expect(text.contains("<b>left</b> door"))
    }

    @Test func itLoadsItselfAgainUntilItIsPaused() {
        let settings = openPage {
            $0.uri = "/haproxy?stats"; $0.refresh = .seconds(7)
        }
        let moving = page(settings, target: "/haproxy?stats")
        #expect(moving.contains("<meta http-equiv=\"refresh\" content=\"7\">"))
        #expect(moving.contains("<a href=\"/haproxy?stats;norefresh\">Pause</a>"))
        let still = page(settings, target: "/haproxy?stats;norefresh")
        #expect(!still.contains("http-equiv"))
        #expect(still.contains("<a href=\"/haproxy?stats\">Resume</a>"))
        #expect(!page(openPage()).contains("http-equiv"))
    }

    @Test func itLinksToTheOtherForms() {
        let text = page(openPage { $0.uri = "/haproxy?stats" }, target: "/haproxy?stats")
        #expect(text.contains("<a href=\"/haproxy?stats;csv\">CSV</a>"))
        #expect(text.contains("<a href=\"/haproxy?stats;json\">JSON</a>"))
    }

    @Test func anEmptySnapshotIsAPageToo() {
        let text = page(openPage(), StatsSnapshot())
        #expect(text.hasSuffix("</html>\n"))
        #expect(text.contains("0 <small>of 0 up</small>"))
    }

    @Test func tenThousandServersAreQuick() throws {
        var snapshot = StatsSnapshot()
        var proxy = ProxyStats(name: "big", id: 2)
        proxy.backend = StatsRow(kind: .backend)
        let model = Sample.snapshot().proxies[1].servers[2]
        for i in 0..<10_000 {
            var server = model
            server.name = "server\(i)"
            server.id = i + 1
            proxy.servers.append(server)
        }
        snapshot.proxies = [proxy]
        let start = Instant.now()
        let text = page(openPage(), snapshot)
        // Milliseconds in an optimised build; the limit is for a debug build on a busy machine, and excludes quadratic time.
        #expect(Instant.now().since(start) < .seconds(60))
        #expect(text.contains(">server9999<"))
        #expect(text.contains("10,000 servers are down"))
        #expect(text.contains("</a> and more</p>"))
    }

    @Test(arguments: [
        ("/haproxy?stats", StatsRequest.Form.page), ("/haproxy?stats;csv", .csv), ("/haproxy?stats;json", .json),
        ("/haproxy?stats;typed", .typed), ("/haproxy?stats;csv;norefresh", .csv), ("/haproxy?stats/x;csv", .csv),
        ("/haproxy?stats;csvx", .page), ("/haproxy?stats;up", .page), ("/haproxy?statsx", .page),
        ("/haproxy?stats;;;", .page), ("/haproxy?stats;CSV", .page),
    ])
    func targetsOfThePage(target: String, form: StatsRequest.Form) {
        let settings = openPage { $0.uri = "/haproxy?stats" }
        let bytes = Array(target.utf8)
        #expect(unsafe StatsRequest.parse(bytes.span.bytes, settings: settings)?.form == form)
    }

    @Test(arguments: ["/", "/haproxy", "/haproxy?stat", "/HAPROXY?stats", "", "*", "/x/haproxy?stats"])
    func otherTargets(target: String) {
        #expect(answer(target, openPage { $0.uri = "/haproxy?stats" }) == nil)
    }

    @Test func aPageThatIsNotEnabledIsNowhere() {
        #expect(answer("/haproxy?stats", StatsPageSettings()) == nil)
    }

    @Test func otherMethodsChangeNothing() throws {
        // As in HAProxy, a visitor may change nothing without 'stats admin'.
        #expect(answer("/", openPage(), method: .post)?.status == 403)
        let refusal = try #require(answer("/", openPage(), method: .put))
        #expect(refusal.status == 405)
        #expect(refusal.field("allow") == "GET, HEAD")
        #expect(answer("/", openPage(), method: .head)?.status == 200)
    }
}

@Suite struct AccessTests {
    // ann:secret, bob:p:w
    private let settings = openPage {
        $0.users = [.init(name: "ann", password: "secret"), .init(name: "bob", password: "p:w")]
        $0.realm = "Shop \"one\"\\\r\n"
    }

    @Test(arguments: ["Basic YW5uOnNlY3JldA==", "basic  YW5uOnNlY3JldA", "Basic YW5uOnNlY3JldA=", "BASIC Ym9iOnA6dw=="])
    func thoseWhoMay(field: String) {
        #expect(answer("/", settings, authorization: field)?.status == 200)
        #expect(answer("/;csv", settings, authorization: field)?.status == 200)
    }

    @Test(
        arguments: [
            nil, "", "Basic", "Basic ", "YW5uOnNlY3JldA==", "Basic YW5uOnNlY3JldB==", "Basic YW5uOg==", "Basic Og==",
            "Basic YW5uOnNlY3JldHM=", "Basic YW5uOnNlY3Jl", "Basic !!!!", "BasicYW5uOnNlY3JldA==",
            "Basic YW5uOnNlY3JldA===", "Basic A", "Basic =", "Bearer YW5uOnNlY3JldA==", "Basic YW5uOnNlY3JldA== x",
            "Digest username=ann",
        ] as [String?])
    func thoseWhoMayNot(field: String?) throws {
        for target in ["/", "/;csv", "/;json"] {
            let refusal = try #require(answer(target, settings, authorization: field))
            #expect(refusal.status == 401)
            #expect(refusal.field("www-authenticate") == "Basic realm=\"Shop \\\"one\\\"\\\\\"")
            #expect(!refusal.text.contains("flask"))
        }
    }

    @Test(arguments: ["/;csv", "/;json", "/;typed", "/"])
    func onlyTheSectionsInScopeAreShown(form: String) throws {
        let scoped = openPage { $0.scope = ["app", "."] }
        for (settings, target) in [
            (scoped, form), (openPage { $0.scope = ["app", "stats", "no-such-section"] }, form),
        ] {
            let text = try #require(answer(target, settings)).text
            #expect(text.contains("flask1") && text.contains("stats"))
            #expect(!Self.names("www", in: text))
        }
        // The scope in the target is matched with names, within the limits set by the configuration.
        let asked = try #require(answer(form + ";scope=APP", openPage())).text
        #expect(asked.contains("flask1") && !Self.names("www", in: asked))
        let outside = try #require(answer(form + ";scope=www", scoped)).text
        #expect(!outside.contains("flask1") && !Self.names("www", in: outside))
        // HAProxy's form of the parameter; a byte that no name contains matches nothing.
        #expect(try #require(answer("/?;csv;scope=app", openPage())).text.contains("\napp,BACKEND,"))
        #expect(try #require(answer("/;csv&scope=%20", openPage())).text.contains("\nwww,FRONTEND,"))
        #expect(try #require(answer("/;csv;scope=", openPage())).text.contains("\nwww,FRONTEND,"))
    }

    /// Whether a section is in the page, the CSV, the JSON or the typed output.
    private static func names(_ section: String, in text: String) -> Bool {
        [">\(section)<", "\n\(section),", "\"\(section)\"", ":\(section)\n"].contains { text.contains($0) }
    }

    @Test func theLinksOfAPageKeepItsScope() throws {
        let text = try #require(answer("/;scope=app", openPage())).text
        #expect(text.contains("href=\"/;csv;scope=app\""))
    }

    @Test func aRefusalTakesNoSnapshot() {
        var taken = 0
        _ = StatsService.respond(
            to: StatsRequest(), method: .get, authorization: nil, settings: settings, section: "stats",
            source: {
                taken += 1
                return StatsSnapshot()
            })
        #expect(taken == 0)
    }
}
