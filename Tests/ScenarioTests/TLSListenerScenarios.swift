// TLS on the side of clients: which certificate they get, who has to show one, versions and ciphers, and sessions that go on.

import Foundation
import Testing

@Suite(.staged) struct TLSListenerScenarios {
    private static let old = ["-tls1_2"]

    /// Portico with one encrypted address, which answers all requests itself.
    private func site(_ bind: String, global: String = "", frontend: String = "") throws -> (
        portico: Portico, port: Int
    ) {
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(global: global))
            frontend www
                bind 127.0.0.1:\(port) ssl \(bind)
            \(frontend)
                http-request return status 200 content-type text/plain string ok
            """, listeningOn: port)
        return (portico, port)
    }

    // MARK: Names

    @Test("The name that a client asks for chooses the certificate: whole, by a wildcard, else the first")
    func names() throws {
        let authority = try TestAuthority()
        let first = try authority.issue(for: "first.example")
        let www = try authority.issue(for: "www.example.com")
        let all = try authority.issue(for: "*.example.com")
        let (_, port) = try site("crt \(first) crt \(all) crt \(www)")
        for (name, shown) in [
            ("www.example.com", "www.example.com"), ("WWW.Example.COM", "www.example.com"),
            ("shop.example.com", "*.example.com"), ("a.b.example.com", "first.example"),
            ("example.org", "first.example"), ("first.example", "first.example"),
        ] {
            #expect(try SecureClient(port, "-servername", name).shownName == shown, "\(name)")
        }
        #expect(try SecureClient(port, "-noservername").shownName == "first.example")
    }

    @Test("curl checks the certificate against the name")
    func curlAgrees() throws {
        let authority = try TestAuthority()
        let (_, port) = try site("crt \(try authority.issue(for: "localhost"))")
        let good = try play(["curl", "--silent", "--cacert", authority.certificate, "https://localhost:\(port)/"])
        #expect(good.output == "ok")
    }

    @Test("With `strict-sni` a client that asks for another name, or for none, is refused")
    func strictNames() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let (portico, port) = try site("crt \(certificate) strict-sni")
        #expect(try SecureClient(port, "-servername", "www.example.com").hasAnswer)
        let other = try SecureClient(port, "-servername", "other.example.com")
        #expect(!other.hasAnswer && other.wasRefused("unrecognized name"))
        #expect(try !SecureClient(port, "-noservername").hasAnswer)
        if Portico.isItself {
            _ = try portico.logLine(with: "no certificate for the name that the client asked for")
            _ = try portico.logLine(with: "the client asked for no name, and strict-sni needs one")
        }
    }

    @Test("A crt-list has names, exclusions and options of its own for each certificate")
    func list() throws {
        let authority = try TestAuthority()
        let first = try authority.issue(for: "first.example")
        let wild = try authority.issue(for: "wild.example")
        let modern = try authority.issue(for: "modern.example")
        let list = try Stage.current.file(
            "sites.txt",
            """
            # The first is for all others.
            \(first)
            \(wild) *.example.com !old.example.com

            \(modern) [ssl-min-ver TLSv1.3 alpn http/1.1] modern.example.com
            """)
        let (_, port) = try site("crt-list \(list)")
        #expect(try SecureClient(port, "-servername", "new.example.com").shownName == "wild.example")
        #expect(try SecureClient(port, "-servername", "old.example.com").shownName == "first.example")
        // The filters replace the names in the certificate.
        #expect(try SecureClient(port, "-servername", "wild.example").shownName == "first.example")
        #expect(try SecureClient(port, "-servername", "modern.example.com").shownName == "modern.example")
        #expect(try SecureClient(port, "-servername", "modern.example.com", "-tls1_2").hasAnswer == false)
        #expect(try SecureClient(port, "-servername", "new.example.com", "-tls1_2").hasAnswer)
    }

    @Test("Clients that can check ECDSA get that certificate, the others RSA")
    func bothKinds() throws {
        let authority = try TestAuthority()
        let folder = Stage.current.folder
        let (ecdsa, rsa) = (folder + "/site.pem.ecdsa", folder + "/site.pem.rsa")
        try FileManager.default.moveItem(atPath: authority.issue(for: "www.example.com"), toPath: ecdsa)
        try FileManager.default.moveItem(
            atPath: authority.issue(for: "www.example.com", algorithm: ["rsa:2048"]), toPath: rsa)
        // The name of a bundle stands for both.
        let (_, port) = try site("crt \(folder)/site.pem")
        for name in ["www.example.com", "other.example"] {
            let new = try SecureClient(port, "-servername", name, "-tls1_2")
            #expect(new.cipher?.contains("ECDSA") == true)
            let old = try SecureClient(port, "-servername", name, "-tls1_2", "-sigalgs", "RSA+SHA256:RSA-PSS+SHA256")
            #expect(old.cipher?.contains("ECDHE-RSA") == true)
        }
    }

    // MARK: Clients' certificates

    @Test("Who has to show a certificate: one of the authority, not expired, not withdrawn")
    func clients() throws {
        let (servers, members, others) = (
            try TestAuthority(), try TestAuthority(), try TestAuthority(named: "Other CA")
        )
        let good = try members.issue(for: "good.example")
        let expired = try members.issue(for: "expired.example", days: -1)
        let withdrawn = try members.issue(for: "withdrawn.example")
        let stranger = try others.issue(for: "stranger.example")
        let revocations = try members.revocationList(of: withdrawn)
        let (portico, port) = try site(
            "crt \(try servers.issue(for: "www.example.com")) ca-file \(members.certificate) verify required crl-file \(revocations)"
        )
        #expect(try SecureClient(port, "-cert", good).hasAnswer)
        for (certificate, alert, reason) in [
            (expired, "certificate expired", "it has expired"), (withdrawn, "certificate revoked", "it is revoked"),
            (stranger, "unknown ca", "its issuer is unknown"),
        ] {
            let client = try SecureClient(port, "-cert", certificate)
            #expect(!client.hasAnswer && client.wasRefused(alert), "\(client.errors)")
            if Portico.isItself { _ = try portico.logLine(with: reason) }
        }
        let none = try SecureClient(port)
        #expect(!none.hasAnswer)
        if Portico.isItself { _ = try portico.logLine(with: "the peer has shown no certificate") }
    }

    @Test("A certificate may be optional, and faults of it may be overlooked by number or name")
    func optionalClients() throws {
        let (servers, members) = (try TestAuthority(), try TestAuthority())
        let expired = try members.issue(for: "expired.example", days: -1)
        let common = "crt \(try servers.issue(for: "www.example.com")) ca-file \(members.certificate)"
        let (_, strict) = try site("\(common) verify optional")
        #expect(try SecureClient(strict).hasAnswer)
        #expect(try !SecureClient(strict, "-cert", expired).hasAnswer)
        let (_, lenient) = try site("\(common) verify optional crt-ignore-err 10 ca-ignore-err all")
        #expect(try SecureClient(lenient, "-cert", expired).hasAnswer)
    }

    @Test(
        "A session of a site without client certificates does not open one that requires them",
        arguments: [["-tls1_2"], []])
    func sessionsStayWhereTheyAre(version: [String]) throws {
        let (servers, members) = (try TestAuthority(), try TestAuthority())
        let list = try Stage.current.file(
            "sites.txt",
            """
            \(try servers.issue(for: "open.example"))
            \(try servers.issue(for: "members.example")) [ca-file \(members.certificate) verify required]
            """)
        let (_, port) = try site("crt-list \(list)")
        let session = Stage.current.folder + "/session"
        #expect(try SecureClient(port, version + ["-servername", "open.example", "-sess_out", session]).hasAnswer)
        #expect(try SecureClient(port, version + ["-servername", "open.example", "-sess_in", session]).isResumed)
        let intruder = try SecureClient(port, version + ["-servername", "members.example", "-sess_in", session])
        #expect(!intruder.hasAnswer && !intruder.isResumed)
    }

    // MARK: Versions, ciphers, protocols

    @Test("TLS 1.2 with AEAD and 1.3 without a line; the bounds that a line or `global` sets")
    func versions() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let (_, port) = try site("crt \(certificate)")
        #expect(try SecureClient(port).version == "TLSv1.3")
        #expect(try SecureClient(port, "-tls1_2").version == "TLSv1.2")
        #expect(try !SecureClient(port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").hasAnswer)
        #expect(
            try !SecureClient(port, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA").hasAnswer)
        let (_, old) = try site("crt \(certificate) ssl-max-ver TLSv1.2")
        #expect(try SecureClient(old).version == "TLSv1.2")
        let (_, new) = try site("crt \(certificate)", global: "    ssl-default-bind-options ssl-min-ver TLSv1.3")
        #expect(try !SecureClient(new, "-tls1_2").hasAnswer)
        let (_, forced) = try site(
            "crt \(certificate) force-tlsv12", global: "    ssl-default-bind-options ssl-min-ver TLSv1.3")
        #expect(try SecureClient(forced).version == "TLSv1.2")
        let (_, hole) = try site("crt \(certificate) no-tlsv13")
        #expect(try SecureClient(hole).version == "TLSv1.2")
    }

    @Test("Ciphers of a line, of `global`, and in the client's order if it may choose")
    func ciphers() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let (aes128, aes256) = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")
        let offered = ["-tls1_2", "-cipher", "\(aes256):\(aes128)"]
        let (_, ours) = try site("crt \(certificate) ciphers \(aes128):\(aes256)")
        #expect(try SecureClient(ours, offered).cipher == aes128)
        let (_, theirs) = try site("crt \(certificate) ciphers \(aes128):\(aes256) prefer-client-ciphers")
        #expect(try SecureClient(theirs, offered).cipher == aes256)
        let (_, one) = try site(
            "crt \(certificate) ciphersuites TLS_CHACHA20_POLY1305_SHA256",
            global: "    ssl-default-bind-ciphers \(aes256)")
        #expect(try SecureClient(one, offered).cipher == aes256)
        #expect(try SecureClient(one).cipher == "TLS_CHACHA20_POLY1305_SHA256")
        #expect(try !SecureClient(one, "-tls1_2", "-cipher", aes128).hasAnswer)
    }

    @Test("The protocol above TLS: http/1.1 by itself, and what a line names")
    func applicationProtocols() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let (_, port) = try site("crt \(certificate)")
        #expect(try SecureClient(port, "-alpn", "spdy,http/1.1").report.contains("ALPN protocol: http/1.1"))
        #expect(try SecureClient(port, "-alpn", "spdy").hasAnswer)
        let (_, silent) = try site("crt \(certificate) no-alpn")
        #expect(try SecureClient(silent, "-alpn", "http/1.1").report.contains("No ALPN negotiated"))
    }

    @Test("A client that speaks none of the protocols that a line names is refused", .enabled(if: Portico.isItself))
    func noSharedProtocol() throws {
        // HAProxy goes on without; RFC 7301 section 3.2 has it this way.
        let (portico, port) = try site("crt \(try TestAuthority().issue(for: "www.example.com")) alpn http/1.1")
        let client = try SecureClient(port, "-alpn", "spdy")
        #expect(!client.hasAnswer && client.wasRefused("no application protocol"))
        _ = try portico.logLine(with: "no protocol in common")
    }

    @Test("Curves of a line are the only ones")
    func curves() throws {
        let (_, port) = try site("crt \(try TestAuthority().issue(for: "www.example.com")) curves P-384")
        #expect(try SecureClient(port).report.contains(/(Server Temp Key|Peer Temp Key).*(P-384|secp384r1)/))
        #expect(try !SecureClient(port, "-curves", "X25519").hasAnswer)
    }

    // MARK: Sessions

    /// Whether the second of two connections goes on with the session of the first.
    private func resumes(_ first: Int, _ second: Int, _ version: [String]) throws -> Bool {
        let session = Stage.current.folder + "/session-\(UUID().uuidString.prefix(8))"
        let one = try SecureClient(first, version + ["-sess_out", session])
        #expect(one.hasAnswer && !one.isResumed, "\(one.errors)")
        let two = try SecureClient(second, version + ["-sess_in", session])
        #expect(two.hasAnswer, "\(two.errors)")
        return two.isResumed
    }

    @Test("Sessions go on, by tickets and by the cache that all threads share", arguments: [["-tls1_2"], []])
    func sessions(version: [String]) throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let (_, tickets) = try site("crt \(certificate)", global: "    nbthread 4")
        #expect(try resumes(tickets, tickets, version))
        let (_, cache) = try site("crt \(certificate) no-tls-tickets", global: "    nbthread 4")
        for _ in 1...4 { #expect(try resumes(cache, cache, version)) }
        let (_, neither) = try site(
            "crt \(certificate) no-tls-tickets", global: "    tune.ssl.cachesize 0")
        #expect(try !resumes(neither, neither, version))
    }

    @Test(
        "Tickets with the keys of a file are good elsewhere, and after the keys have moved on",
        arguments: [["-tls1_2"], []])
    func ticketKeys(version: [String]) throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let keys = (1...4).map { Data(repeating: UInt8($0), count: 80).base64EncodedString() }
        func file(_ range: Range<Int>) throws -> String {
            try Stage.current.file(
                "keys-\(range.lowerBound)-\(UUID().uuidString.prefix(4))", keys[range].joined(separator: "\n") + "\n")
        }
        let (_, one) = try site("crt \(certificate) tls-ticket-keys \(try file(0..<3))")
        let (_, same) = try site("crt \(certificate) tls-ticket-keys \(try file(0..<3))")
        let (_, later) = try site("crt \(certificate) tls-ticket-keys \(try file(1..<4))")
        let (_, other) = try site("crt \(certificate)")
        #expect(try resumes(one, same, version))
        #expect(try resumes(one, later, version))
        #expect(try !resumes(one, other, version))
    }

    @Test("In TLS 1.3 each connection brings the ticket for the next: a client that uses each once goes on and on")
    func ticketsForOneUse() throws {
        let (_, port) = try site("crt \(try TestAuthority().issue(for: "www.example.com"))")
        var session: String?
        for number in 1...4 {
            let next = Stage.current.folder + "/session-\(number)"
            let client = try SecureClient(port, ["-sess_out", next] + (session.map { ["-sess_in", $0] } ?? []))
            #expect(client.hasAnswer && client.isResumed == (number > 1), "\(number): \(client.errors)")
            session = next
        }
    }

    @Test("Sessions, those that go on among them, and failed handshakes are counted: `show stat`, `show info`")
    func counters() throws {
        let socket = Stage.current.folder + "/admin.sock"
        let (_, port) = try site(
            "crt \(try TestAuthority().issue(for: "www.example.com"))", global: "    stats socket \(socket) level admin"
        )
        #expect(try resumes(port, port, ["-tls1_2"]))
        #expect(try !SecureClient(port, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").hasAnswer)
        var row: [String: String] = [:]
        #expect(
            try eventually {
                row = try table(ask(socket, "show stat"))["www/FRONTEND"] ?? [:]
                return row["ssl_failed_handshake"] == "1"
            })
        #expect(row["ssl_sess"] == "2" && row["ssl_reused_sess"] == "1", "\(row)")
        let info = try ask(socket, "show info")
        #expect(info.contains("\nCumSslConns: 3\n") && info.contains("\nCurrSslConns: 0\n"), "\(info)")
    }

    // MARK: Files

    @Test("What is wrong with a certificate's files is told before anything starts", .enabled(if: Portico.isItself))
    func mistakes() throws {
        let authority = try TestAuthority()
        let (one, two) = (try authority.issue(for: "one.example"), try authority.issue(for: "two.example"))
        let text = try String(contentsOfFile: one, encoding: .utf8)
        let begin = try #require(text.range(of: "-----BEGIN PRIVATE KEY-----"))
        let certificate = String(text[..<begin.lowerBound])
        let other = try String(contentsOfFile: two, encoding: .utf8)
        let otherKey = other[try #require(other.range(of: "-----BEGIN PRIVATE KEY-----")).lowerBound...]
        let folder = Stage.current.folder
        let missing = folder + "/nowhere.pem"
        for (contents, words) in [
            (certificate, "there is no private key in the file, and no file"),
            (certificate + otherKey, "the private key does not belong to the certificate"),
            (String(text[begin.lowerBound...]), "there is no certificate in the file"),
            ("hello\n", "nor anything else in PEM"),
        ] {
            let file = try Stage.current.file("site-\(UUID().uuidString.prefix(4)).pem", contents)
            #expect(try check("crt \(file)").contains(words))
        }
        #expect(try check("crt \(missing)").contains("'\(missing)': there is no such file"))
        #expect(try check("").contains("no certificate is named"))
        #expect(try check("crt \(one) verify required").contains("ca-file"))
        // A key in a file beside it.
        let alone = try Stage.current.file("alone.pem", certificate)
        _ = try Stage.current.file("alone.pem.key", String(text[begin.lowerBound...]))
        #expect(try check("crt \(alone)") == "")
        let expired = try authority.issue(for: "old.example", days: -1)
        // No warning, which would keep a process from starting again that treats these as errors.
        #expect(try check("crt \(expired)", "-dW").contains("notice: '\(expired)' expired on"))
    }

    /// What the check of a configuration prints.
    private func check(_ bind: String, _ option: String = "-q") throws -> String {
        let file = try Stage.current.file(
            "check-\(UUID().uuidString.prefix(4)).cfg",
            """
            \(opening())
                timeout http-request 10s
            frontend www
                bind 127.0.0.1:\(try freePort()) ssl \(bind)
                http-request return status 200

            """)
        let ended = try Portico.run("-c", option, "-f", file)
        return ended.errors + ended.output
    }

    @Test("A crt-store gives certificates names and files of their own, and `ssl-f-use` gives them to all addresses")
    func stores() throws {
        let authority = try TestAuthority()
        let folder = Stage.current.folder + "/store"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let names = ["one.example", "two.example", "three.example"]
        for name in names {
            let text = try String(contentsOfFile: try authority.issue(for: name), encoding: .utf8)
            let begin = try #require(text.range(of: "-----BEGIN PRIVATE KEY-----")).lowerBound
            try String(text[..<begin]).write(toFile: "\(folder)/\(name).crt", atomically: true, encoding: .utf8)
            try String(text[begin...]).write(toFile: "\(folder)/\(name).secret", atomically: true, encoding: .utf8)
        }
        let (front, second) = (try freePort(), try freePort())
        _ = try Portico(
            """
            \(opening())
            crt-store web
                crt-base \(folder)
                key-base \(folder)
                load crt one.example.crt key one.example.secret alias one
                load crt two.example.crt key two.example.secret
            frontend www
                bind 127.0.0.1:\(front) ssl crt @web/one crt @web/two.example.crt
                bind 127.0.0.1:\(second) ssl crt @web/one
                ssl-f-use crt \(folder)/three.example.crt key \(folder)/three.example.secret
                http-request return status 200 content-type text/plain string ok
            """, listeningOn: front, second)
        for name in names { #expect(try SecureClient(front, "-servername", name).shownName == name) }
        #expect(try SecureClient(second, "-servername", "three.example").shownName == "three.example")
    }
}
