// OCSP responses that are sent along with certificates: from files, by commands, and fetched from OpenSSL's responder.

import Foundation
import Testing

@Suite(.staged) struct OCSPScenarios {
    /// A site that shows one certificate.
    private struct Site {
        let authority: TestAuthority
        /// The certificate, with its issuer's beside it.
        let file: String
        let responderPort: Int
        let port: Int
        let socket = Stage.current.folder + "/runtime-\(UUID().uuidString.prefix(4))"
        let portico: Portico

        /// - Parameters:
        ///   - isRevoked: what the file of its response says; nil without one.
        ///   - options: those of its line in a crt-list.
        init(isRevoked: Bool? = nil, global: String = "", options: String = "") throws {
            authority = try TestAuthority()
            responderPort = try freePort()
            port = try freePort()
            file = try authority.issue(for: "www.example.com", responder: responderPort)
            try FileManager.default.copyItem(atPath: authority.certificate, toPath: file + ".issuer")
            if let isRevoked {
                try FileManager.default.copyItem(
                    atPath: try authority.ocspResponse(about: file, isRevoked: isRevoked), toPath: file + ".ocsp")
            }
            let list = try Stage.current.file("sites.txt", "\(file) \(options)\n")
            portico = try Portico(
                """
                \(opening(global: "stats socket \(socket) level admin\n\(global)"))
                frontend www
                    bind 127.0.0.1:\(port) ssl crt-list \(list)
                    http-request return status 200 content-type text/plain string ok
                """, listeningOn: port)
        }

        /// What a client that asks for a response gets: `good`, `revoked`, or nil for none.
        func stapled(_ version: String = "-tls1_3") throws -> String? {
            let report = try SecureClient(port, version, "-status", "-CAfile", authority.certificate).report
            guard report.contains("OCSP Response Status: successful") else {
                #expect(report.contains("OCSP response: no response sent"), "\(report)")
                return nil
            }
            return report.firstMatch(of: /Cert Status: (\w+)/).map { String($0.1) }
        }
    }

    @Test("The response of an .ocsp file is sent to clients that ask for it", arguments: ["-tls1_2", "-tls1_3"])
    func file(version: String) throws {
        #expect(try Site(isRevoked: false).stapled(version) == "good")
        let revoked = try Site(isRevoked: true)
        #expect(try revoked.stapled(version) == "revoked")
        // Who does not ask gets none.
        #expect(try !SecureClient(revoked.port, version).report.contains("OCSP Response Status"))
        #expect(try Site().stapled(version) == nil)
    }

    @Test("`set ssl ocsp-response` gives another one; one about another certificate is refused")
    func command() throws {
        let site = try Site(isRevoked: false)
        let response = try Data(
            contentsOf: URL(fileURLWithPath: site.authority.ocspResponse(about: site.file, isRevoked: true)))
        let other = try site.authority.issue(for: "other.example")
        let wrong = try Data(contentsOf: URL(fileURLWithPath: site.authority.ocspResponse(about: other)))
        let refused = try ask(site.socket, "set ssl ocsp-response \(wrong.base64EncodedString())")
        #expect(!refused.contains("updated") && !refused.isEmpty)
        #expect(try site.stapled() == "good")
        let taken = try ask(site.socket, "set ssl ocsp-response \(response.base64EncodedString())")
        #expect(taken.contains("OCSP Response updated!"))
        #expect(try site.stapled() == "revoked")
        #expect(try ask(site.socket, "show ssl ocsp-response").contains("Certificate ID key : 30"))
    }

    @Test("A response is fetched at once where `ocsp-update` is on, and shown", .enabled(if: Portico.isItself))
    func fetching() throws {
        let site = try Site(options: "[ocsp-update on]")
        // No responder listens yet.
        _ = try site.portico.logLine(with: "<OCSP-UPDATE> \(site.file) 2 \"HTTP error (Connection refused)\" 1 0")
        #expect(try site.stapled() == nil)
        try site.authority.startResponder(on: site.responderPort, for: site.file)
        let shown = try ask(site.socket, "update ssl ocsp-response \(site.file)")
        #expect(shown.contains("OCSP Response Status: successful (0x0)") && shown.contains("Cert Status: good"))
        _ = try site.portico.logLine(with: "<OCSP-UPDATE> \(site.file) 1 \"Update successful\" 1 1")
        #expect(try site.stapled() == "good" && site.stapled("-tls1_2") == "good")
        let updates = try ask(site.socket, "show ssl ocsp-updates")
        #expect(updates.contains(" | \(site.file) | ") && updates.contains(" | 1 | 1 | 1 | Update successful"))
        let text = try ask(site.socket, "show ssl ocsp-response base64 \(site.file)")
        #expect(Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)) != nil, "\(text)")
    }

    @Test("A failure is tried again, and what was fetched outlives the file's renewal", .enabled(if: Portico.isItself))
    func retrying() throws {
        let site = try Site(global: "ocsp-update.mode on\nocsp-update.mindelay 1\nocsp-update.maxdelay 1")
        _ = try site.portico.logLine(with: "\"HTTP error (Connection refused)\" 2 0")
        try site.authority.startResponder(on: site.responderPort, for: site.file, isRevoked: true)
        #expect(eventually { (try? site.stapled()) == "revoked" })
        #expect(site.portico.process.errors.contains("is revoked, its OCSP responder says"))
        // The same certificate, written again.
        try String(contentsOfFile: site.file, encoding: .utf8)
            .write(toFile: site.file, atomically: true, encoding: .utf8)
        _ = try site.portico.logLine(with: "Certificate '\(site.file)' was renewed from its file.")
        #expect(try site.stapled() == "revoked")
    }

    @Test("A response that another than the issuer has signed is not sent", .enabled(if: Portico.isItself))
    func forgery() throws {
        let site = try Site(options: "[ocsp-update on]")
        // A responder of another authority, which says the same of the certificate.
        let other = try TestAuthority(named: "Other CA")
        let script = """
            import http.server, subprocess, sys
            class Answer(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    content = open(sys.argv[2], "rb").read()
                    self.send_response(200)
                    self.send_header("Content-Type", "application/ocsp-response")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                def log_message(self, *args): pass
            http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
            """
        let response = try other.ocspResponse(about: site.file, issuedBy: site.authority)
        let child = try Child(
            ["/usr/bin/python3", "-c", script, "\(site.responderPort)", response], named: "forger",
            in: Stage.current.folder)
        Stage.current.atTheEnd { child.stop(patience: 0.5) }
        #expect(eventually { isListening(on: site.responderPort) })
        let shown = try ask(site.socket, "update ssl ocsp-response \(site.file)")
        #expect(shown.contains("Can't update the OCSP response of \(site.file): its signature is not the issuer's"))
        _ = try site.portico.logLine(with: "4 \"OCSP response check failure (its signature is not the issuer's")
        #expect(try site.stapled() == nil)
    }

    @Test(
        "Lines that contradict each other about a certificate, and those that can have no effect, are told of",
        .enabled(if: Portico.isItself))
    func settings() throws {
        let authority = try TestAuthority()
        let file = try authority.issue(for: "www.example.com", responder: 9)
        let silent = try authority.issue(for: "silent.example")
        func said(_ global: String, _ lists: String...) throws -> String {
            let names = try lists.map { try Stage.current.file("list-\(UUID().uuidString.prefix(6))", $0 + "\n") }
            let text = """
                \(opening(global: global))
                frontend www
                    bind 127.0.0.1:\(try freePort()) ssl \(names.map { "crt-list " + $0 }.joined(separator: " "))
                """
            let path = try Stage.current.file("checked-\(UUID().uuidString.prefix(4)).cfg", text + "\n")
            return try Portico.run(["-c", "-f", path]).errors
        }
        let conflict = "different parameter 'ocsp-update' : previously "
        #expect(
            try said("", "\(file) [ocsp-update on] a\n\(file) [ocsp-update off] b").contains(conflict + "'on' vs 'off'")
        )
        #expect(
            try said("ocsp-update.mode on", "\(file) a", "\(file) [ocsp-update off] b")
                .contains(conflict + "'default' (ocsp-update.mode on) vs 'off'"))
        #expect(try !said("ocsp-update.mode on", "\(file) a", "\(file) [ocsp-update on] b").contains(conflict))
        #expect(try said("", "\(file) [ocsp-update on]").contains("is in neither its file nor an .issuer file"))
        #expect(try said("", "\(silent) [ocsp-update on]").contains("it names no responder that speaks plain HTTP"))
        #expect(try !said("ocsp-update.mode on", silent).contains("it names no responder"))
        #expect(
            try said("ocsp-update.mindelay 20\nocsp-update.maxdelay 10", file)
                .contains("ocsp-update.mindelay (20) is more than ocsp-update.maxdelay (10)"))
    }
}
