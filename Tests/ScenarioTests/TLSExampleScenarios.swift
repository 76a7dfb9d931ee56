// conf/tls.cfg: the example works as its comments say.

import Foundation
import Testing

@Suite(.staged) struct TLSExampleScenarios {
    /// The example with free ports, and the certificates that it names.
    private struct Example {
        let portico: Portico
        let certificates: String
        let plain: Int
        let site: Int
        let members: Int

        init() throws {
            certificates = try localCertificates()
            var text = try String(contentsOfFile: projectFolder + "/conf/tls.cfg", encoding: .utf8)
            let ports = try [8080, 8443, 8444, 9443].map { ($0, try freePort()) }
            for (port, free) in ports { text = text.replacing("\(port)", with: "\(free)") }
            text = text.replacing("${PORTICO_CERTIFICATES-certificates}", with: certificates)
            portico = try Portico(text, listeningOn: ports[0].1, ports[1].1, ports[2].1, ports[3].1)
            (plain, site, members) = (ports[0].1, ports[1].1, ports[2].1)
        }

        var trust: [String] { ["--cacert", certificates + "/ca.pem"] }
    }

    @Test("HTTP is sent on to HTTPS, and the site answers there from a server that speaks TLS")
    func site() throws {
        let example = try Example()
        let moved = try fetch("/some/where?q=1", from: example.plain)
        #expect(moved.status == 301)
        #expect(moved["location"] == "https://example.test:\(example.site)/some/where?q=1")
        let page = try curl(["-i"] + example.trust + ["https://localhost:\(example.site)/"])
        #expect(page.hasSuffix("hello over TLS\n"))
        #expect(page.lowercased().contains("strict-transport-security: max-age=60"))
        let line = try example.portico.logLine(with: " site~ ")
        #expect(line.hasSuffix(" 0/0000000000000000/0/0/0 localhost/TLSv1.3/TLS_AES_256_GCM_SHA384"))
    }

    @Test("The site for members takes clients with a certificate, and says in the log why others do not come in")
    func members() throws {
        let example = try Example()
        let url = "https://localhost:\(example.members)/"
        let page = try curl(["-i", "--cert", example.certificates + "/client.pem"] + example.trust + [url])
        #expect(page.lowercased().contains("x-hello-to: client"))
        let refused = try play(["curl", "--silent", "--max-time", "20"] + example.trust + [url])
        #expect(refused.exit != .status(0) && refused.output.isEmpty)
        #expect(try example.portico.logLine(with: " members/1: ").contains("shown no certificate"))
    }
}
