// The Host field that a server receives.

import Testing

@Suite struct HostTests {
    @Test(
        "A target that names its host is not contradicted by a Host of Portico's making",
        arguments: [
            ("GET http://x.test/p HTTP/1.0", "host: x.test\r\n"),
            ("CONNECT x.test:443 HTTP/1.0", "host: x.test:443\r\n"),
            ("GET /p HTTP/1.0", "host: 127.0.0.1:80\r\n"),
        ])
    func hostOfAnAbsoluteTarget(line: String, host: String) {
        let played = play(
            "timeout client 5s", "timeout server 9s", client: [.says(line + "\r\n\r\n")],
            server: [.hears(host), .says("HTTP/1.1 204 N\r\n\r\n"), .leaves])
        #expect(played.clientGot.hasPrefix("HTTP/1.1 204 "), "the server did not get \(host)")
    }
}
