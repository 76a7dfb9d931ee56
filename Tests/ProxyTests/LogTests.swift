// Log lines of exchanges, beyond what the tests of time-outs and faults check.

import Basics
import Foundation
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct LogTests {
    // Regression: %t was the time of the request's first byte, and %tr was later by the client's idle time.
    @Test("A client that waits before its request was accepted when it came (%t), and not when it asked (%tr)")
    func acceptDate() throws {
        let site = try PlayedSite("log-format \"%Ts %trl\"", "http-request return status 200")
        let before = Self.now(of: site) - 2
        let client = site.client("")
        site.run(for: 8_000)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 10)
        let words = try #require(site.log().first).split(separator: " ").map(String.init)
        let after = Self.now(of: site) + 2
        #expect((before...after - 8).contains(Double(words[0]) ?? 0))
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "dd/MMM/yyyy:HH:mm:ss Z"
        let asked = try #require(formatter.date(from: "\(words[1]) \(words[2])"))
        #expect((before + 8...after).contains(asked.timeIntervalSince1970))
        site.end()
    }

    /// Seconds on the wall clock of the site's kernel.
    private static func now(of site: PlayedSite) -> Double { Double(site.kernel.wallTime().seconds) }
}
