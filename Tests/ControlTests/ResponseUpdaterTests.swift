// OCSP responses are fetched: when, from where, what is refused, and what operators see of it.

import Admin
import Basics
import Foundation
import HTTP
import KernelSimulation
import TLS
import TLSTesting
import Testing

@testable import Control
@testable import Logging
@testable import Proxy

@Suite struct ResponseUpdaterTests {
    private let authority = TestCertificate("Test CA", isAuthority: true)
    /// 14 November 2023, when a simulated process starts.
    private static let start = 1_700_000_001

    /// A site with one encrypted address, and a responder on port 9001 that answers as a test wants it.
    private final class Site {
        let site: ControlledSite
        let certificate: TestCertificate
        let path: String
        let responder: Responder

        init(
            _ authority: TestCertificate, host: String = "127.0.0.1:9001", global: String = "ocsp-update.mode on",
            response: [UInt8]? = nil
        ) throws {
            certificate = TestCertificate(
                "www.example", issuer: authority, serial: 5, responder: "http://\(host)/ocsp")
            path = FileManager.default.temporaryDirectory.path + "/portico-ocsp-\(UUID().uuidString).pem"
            try certificate.bundle.write(toFile: path, atomically: true, encoding: .utf8)
            if let response { try Data(response).write(to: URL(fileURLWithPath: path + ".ocsp")) }
            site = try ControlledSite(
                "server s1 127.0.0.1:9002",
                sections: """
                    frontend www
                        bind 127.0.0.1:443 ssl crt \(path)
                        timeout client 60s
                    global
                        \(global)
                    """)
            responder = Responder(site.kernel)
        }

        deinit {
            for file in [path, path + ".ocsp"] { try? FileManager.default.removeItem(atPath: file) }
        }

        /// The table of `show ssl ocsp-updates` without its header, the identity and the path left out.
        func updates() -> [String] {
            let one = site.connect("show ssl ocsp-updates\n")
            site.run(for: 20)
            return one.heard.split(separator: "\n").dropFirst().map {
                $0.split(separator: " | ").dropFirst(2).joined(separator: " | ")
            }
        }

        /// The lines of the log about updates, without the path.
        func log() -> [String] {
            site.log().filter { $0.contains("<OCSP-UPDATE>") }.map {
                $0.replacing(path, with: "www").trimmingCharacters(in: .whitespacesAndNewlines)
                    .replacing("<OCSP-UPDATE> ", with: "")
            }
        }

        func end() { site.end() }
    }

    /// A responder, also as an HTTP proxy: its answers in turn, the last one again and again.
    private final class Responder: SimulatedPeer {
        var answers: [[UInt8]] = []
        private(set) var requests: [String] = []
        private var wires: [(wire: Wire, request: [UInt8])] = []

        init(_ kernel: SimulatedKernel) {
            kernel.servers[.ip(.loopbackV4, port: 9_001)] = { [unowned self] kernel, wire in
                kernel.accept(wire)
                wires.append((wire, []))
                kernel.schedule(self, after: .milliseconds(1))
                return true
            }
        }

        func act(in kernel: SimulatedKernel) {
            for index in wires.indices {
                wires[index].request += kernel.peerTakes(.max, from: wires[index].wire)
                let text = String(decoding: wires[index].request, as: UTF8.self)
                guard text.hasSuffix("\r\n\r\n"), !answers.isEmpty else { continue }
                requests.append(text)
                let answer = answers.count > 1 ? answers.removeFirst() : answers[0]
                if !answer.isEmpty { kernel.peerSends(answer, on: wires[index].wire) }
                kernel.peerFinishes(wires[index].wire)
                wires.remove(at: index)
                break
            }
            if !wires.isEmpty { kernel.schedule(self, after: .milliseconds(1)) }
        }
    }

    private static func http(
        _ content: [UInt8], status: Int = 200, type: String = "application/ocsp-response", fields: String = ""
    ) -> [UInt8] {
        Array("HTTP/1.1 \(status) Said\r\nContent-Type: \(type)\r\n\(fields)\r\n".utf8) + content
    }

    private func response(
        _ site: Site, status: TestResponse.Status = .good, from: Int = 0, until: Int? = 7_200
    ) -> [UInt8] {
        TestResponse.make(
            about: site.certificate, issuer: authority, status: status, from: Self.start + from,
            until: until.map { Self.start + $0 })
    }

    // MARK: When

    @Test func `a certificate without a response gets one at once, and another an hour later`() throws {
        let site = try Site(authority)
        site.responder.answers = [Self.http(response(site, until: 86_400))]
        site.site.run(for: 1_000)
        #expect(site.log() == ["www 1 \"Update successful\" 0 1"])
        #expect(site.responder.requests.count == 1)
        #expect(site.responder.requests.first?.hasPrefix("GET /ocsp/M") == true)
        #expect(site.responder.requests.first?.contains("\r\nHost: 127.0.0.1:9001\r\n") == true)
        let name = site.path
        #expect(site.site.plan.encryption.certificates.certificate(of: name)?.ocsp != nil)
        #expect(site.updates().first?.hasSuffix(" | 1 | 0 | 1 | Update successful") == true)
        site.site.run(for: 3_590_000)
        #expect(site.responder.requests.count == 1)
        site.site.run(for: 20_000)
        #expect(site.responder.requests.count == 2)
        site.end()
    }

    @Test func `a response is renewed a minute before its end, but not before mindelay`() throws {
        let site = try Site(authority)
        site.responder.answers = [Self.http(response(site, until: 600)), Self.http(response(site, until: 700))]
        site.site.run(for: 530_000)
        #expect(site.responder.requests.count == 1)
        // 60 seconds before the end; the next one ends in 160 seconds, and is kept for 300 seconds all the same.
        site.site.run(for: 15_000)
        #expect(site.responder.requests.count == 2)
        site.site.run(for: 290_000)
        #expect(site.responder.requests.count == 2)
        site.site.run(for: 20_000)
        #expect(site.responder.requests.count == 3)
        site.end()
    }

    @Test func `a failure is tried again after one minute, then two, then four, up to maxdelay`() throws {
        let site = try Site(
            authority, global: "ocsp-update.mode on\n    ocsp-update.maxdelay 200\n    ocsp-update.mindelay 100")
        site.responder.answers = [Self.http([], status: 503)]
        var counts: [Int] = []
        for _ in 0..<6 {
            site.site.run(for: 65_000)
            counts.append(site.responder.requests.count)
        }
        // At 0, 60, 180 and 380 seconds, each a little later.
        #expect(counts == [2, 2, 3, 3, 3, 4], "\(counts)")
        #expect(site.log().last == "www 2 \"HTTP error (status 503)\" 4 0")
        site.responder.answers = [Self.http(response(site, until: nil))]
        site.site.run(for: 210_000)
        #expect(site.log() == ["www 1 \"Update successful\" 4 1"])
        site.end()
    }

    @Test func `what a file has is not fetched at once`() throws {
        let given = TestResponse.make(
            about: TestCertificate("www.example", issuer: authority, serial: 5), issuer: authority)
        let site = try Site(authority, response: given)
        site.responder.answers = [Self.http(response(site))]
        site.site.run(for: 3_500_000)
        #expect(site.responder.requests.isEmpty)
        site.site.run(for: 200_000)
        #expect(site.responder.requests.count == 1)
        site.end()
    }

    // MARK: What is refused

    @Test func `answers that are not what they should be are failures, with the reason`() throws {
        let stranger = TestCertificate("Other CA", isAuthority: true)
        let site = try Site(
            authority, global: "ocsp-update.mode on\n    ocsp-update.maxdelay 1\n    ocsp-update.mindelay 1")
        let right = response(site)
        let foreign = TestResponse.make(
            about: site.certificate, issuer: authority, signer: stranger, from: Self.start, until: Self.start + 7_200)
        let other = TestResponse.make(
            about: TestCertificate("b", issuer: authority, serial: 6), issuer: authority, from: Self.start,
            until: Self.start + 7_200)
        let cases: [([UInt8], String)] = [
            (Self.http(right, status: 404), "2 \"HTTP error (status 404)\""),
            (Self.http(right, type: "text/html"), "3 \"Missing \"ocsp-response\" header (the content's type is not"),
            (Array("220 mail.example\r\n".utf8), "2 \"HTTP error (the answer is not HTTP/1)\""),
            (Array(Self.http([]).dropLast(3)), "2 \"HTTP error (the answer stops within its head)\""),
            ([], "2 \"HTTP error (the responder closed without an answer)\""),
            (
                Self.http(Array(right.dropLast()), fields: "Content-Length: \(right.count)\r\n"),
                "2 \"HTTP error (the answer stops before its end)\""
            ),
            (
                Self.http([], fields: "Content-Length: 16385\r\n"),
                "2 \"HTTP error (the answer has more than 16384 bytes (tune.bufsize))\""
            ),
            (
                Self.http([UInt8](repeating: 0x30, count: 16_385)),
                "2 \"HTTP error (the answer has more than 16384 bytes (tune.bufsize))\""
            ),
            (Self.http(Array(right.dropLast())), "4 \"OCSP response check failure (it is no OCSP response in DER)\""),
            (Self.http(other), "4 \"OCSP response check failure (it is about another certificate)\""),
            (Self.http(foreign), "4 \"OCSP response check failure (its signature is not the issuer's"),
            (
                Self.http(response(site, from: -7_200, until: -3_600)),
                "4 \"OCSP response check failure (it is not valid any more)\""
            ),
        ]
        site.responder.answers = cases.map(\.0) + [Self.http(right)]
        site.site.run(for: 40_000)
        let log = site.log()
        #expect(log.count > cases.count)
        for ((_, expected), line) in zip(cases, log) { #expect(line.hasPrefix("www \(expected)"), "\(line)") }
        #expect(log.count > cases.count && log[cases.count].hasPrefix("www 1 \"Update successful\" 12 1"))
        site.end()
    }

    @Test func `chunks, and answers before the answer, are read`() throws {
        let site = try Site(authority)
        let right = response(site)
        let half = right.count / 2
        func chunk(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
            Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + Array("\r\n".utf8)
        }
        site.responder.answers = [
            Array("HTTP/1.1 103 Early Hints\r\n\r\n".utf8)
                + Self.http(
                    chunk(right[..<half]) + chunk(right[half...]) + Array("0\r\nX: y\r\n\r\n".utf8),
                    type: "Application/OCSP-Response; a=b", fields: "Transfer-Encoding: chunked\r\n")
        ]
        site.site.run(for: 1_000)
        #expect(site.log() == ["www 1 \"Update successful\" 0 1"])
        site.end()
    }

    @Test func `a responder that refuses, or says nothing, fails after a while`() throws {
        let site = try Site(authority)
        site.site.kernel.servers[.ip(.loopbackV4, port: 9_001)] = { kernel, wire in
            kernel.refuse(wire)
            return true
        }
        site.site.run(for: 1_000)
        #expect(site.log() == ["www 2 \"HTTP error (Connection refused)\" 1 0"])
        site.site.kernel.servers[.ip(.loopbackV4, port: 9_001)] = { kernel, wire in true }
        site.site.run(for: 66_000)
        #expect(site.log() == ["www 2 \"HTTP error (the responder does not accept the connection)\" 2 0"])
        site.site.kernel.servers[.ip(.loopbackV4, port: 9_001)] = { kernel, wire in
            kernel.accept(wire)
            return true
        }
        site.site.run(for: 160_000)
        #expect(site.log() == ["www 2 \"HTTP error (the responder did not answer in time)\" 3 0"])
        site.end()
    }

    // MARK: Where

    @Test func `the name of a responder is looked up by the system`() throws {
        let site = try Site(authority, host: "ocsp.example:9001")
        site.responder.answers = [Self.http(response(site))]
        site.site.run(for: 1_000)
        #expect(site.site.responderHosts.asked == [["ocsp.example"]] && site.responder.requests.isEmpty)
        site.site.responderHosts.answers = [nil]
        site.site.run(for: 1_000)
        #expect(site.log() == ["www 2 \"HTTP error (no address is known of 'ocsp.example')\" 1 0"])
        site.site.run(for: 60_000)
        site.site.responderHosts.answers = [IPAddress("127.0.0.1")]
        site.site.run(for: 1_000)
        #expect(site.log() == ["www 1 \"Update successful\" 1 1"])
        site.end()
    }

    @Test func `the resolvers section 'default' is asked where there is one`() throws {
        let site = try Site(
            authority, host: "ocsp.example:9001",
            global: "ocsp-update.mode on\nresolvers default\n    nameserver one 127.0.0.1:53")
        site.site.names.answers["ocsp.example"] = .success([try #require(IPAddress("127.0.0.1"))])
        site.responder.answers = [Self.http(response(site))]
        site.site.run(for: 61_000)
        #expect(site.site.responderHosts.asked.isEmpty && site.log().last?.contains("Update successful") == true)
        site.end()
    }

    @Test func `a proxy gets the whole address`() throws {
        let site = try Site(
            authority, host: "ocsp.example", global: "ocsp-update.mode on\n    ocsp-update.httpproxy 127.0.0.1:9001")
        site.responder.answers = [Self.http(response(site))]
        site.site.run(for: 1_000)
        #expect(site.responder.requests.first?.hasPrefix("GET http://ocsp.example/ocsp/M") == true)
        #expect(site.responder.requests.first?.contains("\r\nHost: ocsp.example\r\n") == true)
        site.end()
    }

    // MARK: Commands

    @Test func `a command fetches a response and shows it, whatever the configuration says`() throws {
        for global in ["ocsp-update.mode off", "ocsp-update.mode on\n    ocsp-update.disable on"] {
            let site = try Site(authority, global: global)
            site.responder.answers = [Self.http(response(site, status: .revoked))]
            site.site.run(for: 1_000)
            #expect(site.responder.requests.isEmpty && site.updates().isEmpty)
            let one = site.site.connect("update ssl ocsp-response \(site.path);show cli level\n")
            site.site.run(for: 1_000)
            #expect(one.heard.contains("Cert Status: revoked") && one.heard.hasSuffix("\n\nadmin\n\n") && one.isClosed)
            #expect(site.log() == ["www 1 \"Update successful\" 0 1"])
            // Once.
            site.site.run(for: 7_200_000)
            #expect(site.responder.requests.count == 1)
            site.end()
        }
    }

    @Test func `a command waits for the answer, and says why there is none`() throws {
        let site = try Site(authority, global: "ocsp-update.mode off")
        let one = site.site.connect("update ssl ocsp-response \(site.path)\n")
        site.site.run(for: 10_000)
        #expect(one.heard.isEmpty && !one.isClosed)
        site.responder.answers = [Self.http([], status: 500)]
        site.site.run(for: 1_000)
        #expect(one.heard == "Can't update the OCSP response of \(site.path): status 500.\n\n" && one.isClosed)
        let two = site.site.connect("update ssl ocsp-response /nowhere.pem\n")
        site.site.run(for: 1_000)
        #expect(two.heard.hasPrefix("Unknown certificate!"))
        site.end()
    }

    @Test func `a stop ends what is under way`() throws {
        let site = try Site(authority)
        site.site.run(for: 100)
        let one = site.site.connect("update ssl ocsp-response \(site.path)\n")
        site.site.run(for: 100)
        site.site.control.stopSoftly()
        site.site.run(for: 100)
        #expect(one.heard.hasSuffix(": Portico is stopping.\n\n"))
        site.end()
    }
}
