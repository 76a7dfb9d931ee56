// The time to read a configuration must grow linearly with its size: four times as many lines may take four times as long,
// not sixteen. The tests measure processor time of this thread, with both sizes in one run, so that load does not matter.

import Basics
import Configuration
import Foundation
import Logging
import Proxy
import Testing

@testable import portico

@Suite(.serialized) struct GrowthTests {
    struct Shape: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The lines of a configuration of this size.
        let lines: @Sendable (Int) -> [String]

        init(_ name: String, _ lines: @escaping @Sendable (Int) -> [String]) {
            testDescription = name
            self.lines = lines
        }
    }

    private static let defaults = [
        "defaults", "  mode http", "  timeout client 5s", "  timeout server 5s", "  timeout connect 5s",
        "  timeout http-request 5s",
    ]

    static let shapes = [
        Shape("backends, each with a use_backend line") { count in
            (0..<count).flatMap { ["backend b\($0)", "  server s 127.0.0.1:1"] } + [
                "frontend f", "  bind 127.0.0.1:26000",
            ]
                + (0..<count).map { "  use_backend b\($0) if { path /\($0) }" }
        },
        Shape("frontends") { count in
            ["backend b", "  server s 127.0.0.1:1"]
                + (0..<count).flatMap {
                    ["frontend f\($0)", "  bind 127.0.\($0 / 250).\($0 % 250):26000", "  default_backend b"]
                }
        },
        Shape("servers of one backend, each with a use-server line") { count in
            ["listen l", "  bind 127.0.0.1:26000"] + (0..<count).map { "  server s\($0) 127.0.0.1:1 check" }
                + (0..<count).map { "  use-server s\($0) if { path /\($0) }" }
        },
        Shape("conditions and rules") { count in
            ["listen l", "  bind 127.0.0.1:26000", "  server s 127.0.0.1:1"]
                + (0..<count).map { "  acl a\($0) path /\($0)" }
                + (0..<count).map { "  http-request set-header x-\($0) %[src] if a\($0)" }
        },
        Shape("values of one condition, in lines of one name") { count in
            ["listen l", "  bind 127.0.0.1:26000", "  server s 127.0.0.1:1"] + (0..<count).map { "  acl a path /\($0)" }
                + ["  http-request deny if a"]
        },
        Shape("userlists, each asked for") { count in
            (0..<count).flatMap { ["userlist u\($0)", "  user a insecure-password x"] }
                + ["listen l", "  bind 127.0.0.1:26000", "  server s 127.0.0.1:1"]
                + (0..<count).map { "  http-request deny unless { http_auth(u\($0)) }" }
        },
        Shape("pages for errors, each asked for") { count in
            (0..<count).flatMap { ["http-errors e\($0)", "  errorfile 503 /dev/null"] }
                + (0..<count).flatMap {
                    [
                        "frontend f\($0)", "  bind 127.0.\($0 / 250).\($0 % 250):26000", "  errorfiles e\($0)",
                        "  http-request deny",
                    ]
                }
        },
        Shape("names of backends that are asked about") { count in
            (0..<count).flatMap { ["backend b\($0)", "  server s 127.0.0.1:1"] } + [
                "frontend f", "  bind 127.0.0.1:26000",
            ]
                + (0..<count).map { "  http-request deny if { nbsrv(b\($0)) eq 0 } || { srv_is_up(b\($0)/s) }" }
        },
        Shape("wrong lines") { count in
            ["listen l", "  bind 127.0.0.1:26000", "  server s 127.0.0.1:1"]
                + (0..<count).map { "  optoin httplgo\($0)" }
        },
        Shape("names of backends that do not exist") { count in
            (0..<count).flatMap { ["backend bb\($0)", "  server s 127.0.0.1:1"] } + [
                "frontend f", "  bind 127.0.0.1:26000",
            ]
                + (0..<count).map { "  use_backend xb\($0) if { path /\($0) }" }
        },
    ]

    @Test(arguments: shapes) func `Four times as much takes about four times as long`(_ shape: Shape) {
        // Below that, constant costs would hide the growth.
        let size = 250
        let small = Self.text(shape.lines(size))
        let large = Self.text(shape.lines(size * 4))
        // The minimum of some attempts: other threads may have displaced the caches.
        let times = (0..<3).map { _ in (Self.time(small), Self.time(large)) }
        let ratio = Double(times.map(\.1).min() ?? 0) / Double(max(1, times.map(\.0).min() ?? 1))
        #expect(ratio < 9, "four times as many lines take \(ratio) times as long")
    }

    private static func text(_ lines: [String]) -> String { (defaults + lines).joined(separator: "\n") + "\n" }

    /// Processor time in nanoseconds to parse the text and build its plan.
    private static func time(_ text: String) -> UInt64 {
        let start = processorTime()
        let loaded = KeywordRegistry.language.load(text: text, named: "growth.cfg")
        var facts = ProcessFacts()
        facts.descriptorsLimit = 100_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections, logger: Logger(rings: 1),
            workers: 1, facts: facts, now: .now())
        _ = builder.build()
        let printer = ProblemPrinter(sources: loaded.sources)
        _ = printer.text(for: loaded.problems + builder.problems)
        return processorTime() - start
    }

    private static func processorTime() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    @Test func `There are suggestions for the first fifty mistakes, and none behind them`() {
        let lines = (0..<60).map { _ in "  optoin httplog" }
        let loaded = KeywordRegistry.language.load(
            text: Self.text(["listen l", "  bind 127.0.0.1:26000", "  server s 127.0.0.1:1"] + lines),
            named: "wrong.cfg")
        let wrong = loaded.problems.filter { $0.severity == .error }
        #expect(wrong.count == 60)
        #expect(wrong.prefix(50).allSatisfy { $0.suggestion == "option" })
        #expect(wrong.dropFirst(50).allSatisfy { $0.suggestion == nil })
    }
}
