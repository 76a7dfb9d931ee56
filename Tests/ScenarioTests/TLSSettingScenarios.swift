// What `global` says of TLS: chains that are completed, parameters for ciphers with DHE, and how OpenSSL itself is set up.

import Foundation
import Testing

@Suite(.staged) struct TLSSettingScenarios {
    private static let rsa = ["rsa:2048"]

    /// A site with one certificate.
    private func site(_ bind: String, global: String = "") throws -> (portico: Portico, port: Int) {
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(global: global))
            frontend www
                bind 127.0.0.1:\(port) ssl \(bind)
                http-request return status 200 content-type text/plain string ok
            """, listeningOn: port)
        return (portico, port)
    }

    // MARK: Chains

    /// The common names of the certificates that a client is shown.
    private func shownChain(_ port: Int) throws -> [String] {
        try SecureClient(port, "-showcerts").report.matches(of: /\ss:.*CN ?= ?(.+)/).map { String($0.1) }
    }

    @Test("`issuers-chain-path` completes a chain, and `show ssl cert` names the file")
    func chains() throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority(named: "Other CA"))
        let certificate = try authority.issue(for: "www.example.com")
        let folder = Stage.current.folder + "/issuers"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, from) in [("a.pem", other), ("b.pem", authority)] {
            try FileManager.default.copyItem(atPath: from.certificate, toPath: "\(folder)/\(name)")
        }
        let socket = Stage.current.folder + "/runtime"
        let (_, plain) = try site("crt \(certificate)")
        #expect(try shownChain(plain) == ["www.example.com"])
        let (_, whole) = try site(
            "crt \(certificate)", global: "issuers-chain-path \(folder)\nstats socket \(socket) level admin")
        #expect(try shownChain(whole) == ["www.example.com", "Test CA"])
        if Portico.isItself {
            #expect(
                try ask(socket, "show ssl cert \(certificate)").contains(
                    "\nChain Filename: \(folder)/b.pem\nChain Subject: "))
        }
        // Clients have the root already, or do not trust it.
        let (_, skipped) = try site(
            "crt \(certificate)", global: "issuers-chain-path \(folder)\nssl-skip-self-issued-ca")
        #expect(try shownChain(skipped) == ["www.example.com"])
    }

    // MARK: DH

    /// The bits of the parameters that a client with DHE gets; nil if it is refused.
    private func bits(_ bind: String, _ global: String) throws -> Int? {
        let (_, port) = try site("ciphers DHE-RSA-AES128-GCM-SHA256 ssl-max-ver TLSv1.2 \(bind)", global: global)
        let client = try SecureClient(port, "-cipher", "DHE-RSA-AES128-GCM-SHA256", "-tls1_2")
        guard client.hasAnswer else { return nil }
        return client.report.firstMatch(of: /(?:Server|Peer) Temp Key: DH, (\d+) bits/).flatMap { Int($0.1) }
    }

    @Test("DHE has the parameters of the certificate's file, of `ssl-dh-param-file`, or of `tune.ssl.default-dh-param`")
    func parameters() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com", algorithm: Self.rsa)
        func parameters(_ bits: Int) throws -> String {
            try play(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe\(bits)"]).output
        }
        #expect(try bits("crt \(certificate)", "") == nil)
        #expect(try bits("crt \(certificate)", "tune.ssl.default-dh-param 2048") == 2_048)
        let file = try Stage.current.file("dh.pem", try parameters(3_072))
        #expect(try bits("crt \(certificate)", "ssl-dh-param-file \(file)") == 3_072)
        let bundle = try Stage.current.file(
            "bundle.pem", try String(contentsOfFile: certificate, encoding: .utf8) + parameters(4_096))
        #expect(try bits("crt \(bundle)", "") == 4_096)
        #expect(try bits("crt \(bundle)", "ssl-dh-param-file \(file)") == 4_096)
        #expect(try bits("crt \(bundle)", "tune.ssl.default-dh-param 2048") == 4_096)
    }

    // MARK: OpenSSL itself

    /// What the check of a configuration prints.
    private func said(_ global: String, _ certificate: String) throws -> String {
        let file = try Stage.current.file(
            "checked-\(UUID().uuidString.prefix(4)).cfg",
            """
            \(opening(global: global))
                timeout http-request 10s
            frontend www
                bind 127.0.0.1:\(try freePort()) ssl crt \(certificate)
                http-request return status 200

            """)
        let ended = try Portico.run("-c", "-q", "-f", file)
        return ended.errors + ended.output
    }

    @Test("`ssl-security-level` bounds keys and ciphers", .enabled(if: Portico.isItself))
    func securityLevel() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com", algorithm: Self.rsa)
        #expect(try said("ssl-security-level 2", certificate) == "")
        // A key of 2048 bits has 112 bits of security; level 3 wants 128.
        #expect(try said("ssl-security-level 3", certificate).contains("ee key too small"))
        // Level 0 allows what OpenSSL's default does not: signatures with SHA-1, as TLS 1.0 has them.
        let old = ["-tls1", "-cipher", "ECDHE-RSA-AES128-SHA@SECLEVEL=0"]
        let options = "crt \(certificate) ssl-min-ver TLSv1.0"
        let (_, strict) = try site(options, global: "ssl-security-level 2")
        #expect(try !SecureClient(strict, old).hasAnswer)
        let (_, lax) = try site(options, global: "ssl-security-level 0")
        #expect(try SecureClient(lax, old).hasAnswer)
    }

    @Test(
        "`ssl-provider` and `ssl-propquery` say which of OpenSSL's algorithms there are", .enabled(if: Portico.isItself)
    )
    func providers() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let socket = Stage.current.folder + "/runtime"
        let (_, port) = try site(
            "crt \(certificate)",
            global: """
                ssl-propquery ?provider=default
                ssl-provider default
                ssl-provider legacy
                stats socket \(socket) level admin
                """)
        let shown = try ask(socket, "show ssl providers")
        #expect(shown.contains("- default\n") && shown.contains("- legacy\n"), "\(shown)")
        #expect(try SecureClient(port).hasAnswer)
        #expect(try said("ssl-provider nosuch", certificate).contains("OpenSSL cannot load the provider 'nosuch'"))
        // What no provider has cannot be used: told before anything starts.
        for global in ["ssl-propquery provider=nosuch", "ssl-provider base"] {
            #expect(try said(global, certificate).contains("are not enough for TLS"), "\(global)")
        }
    }
}
