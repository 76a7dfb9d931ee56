// What the log says of an exchange beyond what the plays about its end look at.

import Basics
import Foundation
import KernelSimulation
import Testing

@testable import Proxy

@Suite struct LogTests {
    // %t was the time of the request's first byte, and %tr as much later as the client had waited.
    @Test("A client that waits before its request was accepted when it came (%t), and not when it asked (%tr)")
    func acceptDate() throws {
        let site = try PlayedSite("log-format \"%Ts %trl\"", "http-request return status 200")
        let client = site.client("")
        site.run(for: 8_000)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        site.run(for: 10)
        let words = try #require(site.log().first).split(separator: " ").map(String.init)
        let now = Date().timeIntervalSince1970
        #expect(abs((Double(words[0]) ?? 0) - (now - 8)) < 3)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "dd/MMM/yyyy:HH:mm:ss Z"
        let asked = try #require(formatter.date(from: "\(words[1]) \(words[2])"))
        #expect(abs(asked.timeIntervalSince1970 - now) < 3)
        site.end()
    }
}
