// What rules and logs know of TLS connections, with curl and OpenSSL's program as clients.

import Foundation
import Testing

@Suite(.staged) struct TLSSampleScenarios {
    /// A frontend that answers with a format's text.
    private struct Echo {
        let portico: Portico
        let port: Int
        let folder: String

        init(_ format: String, bind: String = "", global: String = "", frontend: String = "") throws {
            folder = try localCertificates()
            port = try freePort()
            portico = try Portico(
                """
                \(opening(global: global))
                frontend www
                    bind 127.0.0.1:\(port) ssl crt \(folder)/localhost.pem \(bind.replacing("FOLDER", with: folder))
                    \(frontend)
                    http-request return status 200 content-type text/plain lf-string "\(format)"
                """, listeningOn: port)
        }

        /// What curl, which trusts the authority, gets.
        func ask(_ options: String...) throws -> String {
            try curl(["--cacert", folder + "/ca.pem"] + options + ["https://localhost:\(port)/"])
        }

        var asMember: String { folder + "/client.pem" }
    }

    @Test("The handshake's version, cipher, curve, protocol and name", arguments: ["1.2", "1.3"])
    func handshake(version: String) throws {
        let echo = try Echo(
            "%[ssl_fc] %[ssl_fc_protocol] %[ssl_fc_cipher] %[ssl_fc_alg_keysize] %[ssl_fc_use_keysize] %[ssl_fc_curve] "
                + "%[ssl_fc_alpn] %[ssl_fc_sni] %[ssl_fc_has_sni] %[ssl_fc_is_resumed] %[ssl_fc_err] %[ssl_fc_err_str] "
                + "%[ssl_fc_client_random,hex,length] %[ssl_fc_server_random,hex,length] %[ssl_fc_session_key,hex,length] "
                + "%[ssl_c_used] %[ssl_fc_has_crt] %[ssl_c_verify] %[ssl_c_s_dn]",
            bind: "alpn http/1.1")
        let cipher =
            version == "1.2" ? "ECDHE-ECDSA-AES128-GCM-SHA256 128 128" : "TLS_AES_256_GCM_SHA384 256 256"
        #expect(
            try echo.ask("--tls-max", version)
                == "1 TLSv\(version) \(cipher) X25519 http/1.1 localhost 1 0 0  64 64 96 0 0 0 ")
    }

    @Test("A client's certificate, in all its parts")
    func clientCertificate() throws {
        let echo = try Echo(
            "%[ssl_c_used] %[ssl_fc_has_crt] %[ssl_c_verify],%[ssl_c_verify,x509_v_err_str] %[ssl_c_s_dn]|%[ssl_c_s_dn(CN)]|"
                + "%[ssl_c_s_dn(,0,rfc2253)]|%[ssl_c_i_dn(O,1)]|%[ssl_c_serial,hex]|%[ssl_c_sha1,hex]|%[ssl_c_key_alg]|"
                + "%[ssl_c_sig_alg]|%[ssl_c_version]|%[ssl_c_notafter]|%[ssl_c_r_dn(O)]|%[ssl_f_s_dn(CN)]|%[ssl_c_der,sha1,hex]",
            bind: "ca-file FOLDER/ca.pem verify optional")
        let openssl = try play([
            "openssl", "x509", "-in", echo.asMember, "-noout", "-serial", "-fingerprint", "-sha1", "-enddate",
            "-dateopt", "iso_8601",
        ])
        let facts = openssl.output.split(separator: "\n").map { $0.drop { $0 != "=" }.dropFirst() }
        let (serial, sha1) = (String(facts[0]), facts[1].replacing(":", with: ""))
        let end = facts[2].filter { $0.isNumber }.dropFirst(2)
        #expect(
            try echo.ask("--cert", echo.asMember)
                == "1 1 0,X509_V_OK /O=Portico/CN=client|client|CN=client,O=Portico|Portico|\(serial)|\(sha1)|id-ecPublicKey|"
                + "ecdsa-with-SHA256|3|\(end)Z|Portico|localhost|\(sha1)")
        #expect(try echo.ask().hasPrefix("0 0 0,X509_V_OK |||||"))
    }

    @Test("The policies of a client's certificate, with a blank behind each comma", .enabled(if: Portico.isItself))
    func policies() throws {
        // HAProxy has the sample since 3.5.
        let member = Stage.current.folder + "/member.pem"
        let made = try play([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=member", "-addext", "certificatePolicies=0.4.0.1862.1.4,1.2.3.4.9", "-keyout", member + ".key", "-out",
            member,
        ])
        #expect(made.exit == .status(0), "\(made.errors)")
        let echo = try Echo(
            "%[ssl_c_policies]|%[ssl_c_policies(1.2.3.4.9)]|", bind: "ca-file \(member) verify optional")
        #expect(
            try echo.ask("--cert", member, "--key", member + ".key") == "0.4.0.1862.1.4, 1.2.3.4.9|1.2.3.4.9|")
    }

    @Test("A session that goes on is told from a new one, in rules and in the log", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) throws {
        let echo = try Echo("%[ssl_fc_is_resumed]", frontend: "option httpslog")
        let session = Stage.current.folder + "/session"
        for (option, isResumed) in [("-sess_out", "0"), ("-sess_in", "1")] {
            // Reads on until Portico closes, so that the tickets of TLS 1.3 come too.
            let client = try play([
                "bash", "-c",
                "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect 127.0.0.1:$0 -servername localhost $1 $2 $3",
                "\(echo.port)", version, option, session,
            ])
            #expect(client.output.hasSuffix(isResumed), "\(client.errors)")
        }
    }

    @Test("JA3's parts and JA4 are there where the file asks for them")
    func fingerprints() throws {
        let ja3 =
            "%[ssl_fc_protocol_hello_id],%[ssl_fc_cipherlist_bin(1),be2dec(-,2)],%[ssl_fc_extlist_bin(1),be2dec(-,2)],"
            + "%[ssl_fc_eclist_bin(1),be2dec(-,2)],%[ssl_fc_ecformats_bin,be2dec(-,1)]"
        let echo = try Echo(
            "\(ja3) %[ssl_fc_ja4] %[ssl_fc_cipherlist_xxh] %[ssl_fc_cipherlist_hex] %[ssl_fc_cipherlist_str]",
            global: "tune.ssl.capture-buffer-size 512")
        let words = try echo.ask("--tlsv1.3").split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        try #require(words.count == 5)
        #expect(
            words[0].wholeMatch(of: /771,4866-4867-4865(-\d+)*,(\d+-)*0-(\d+-)*\d+,29-23-.*,0-1-2/) != nil,
            "\(words[0])")
        #expect(words[1].wholeMatch(of: /t13d\d{4}(h2|h1|00)_[0-9a-f]{12}_[0-9a-f]{12}/) != nil, "\(words[1])")
        #expect(Int(words[2]) != nil)
        #expect(words[3].hasPrefix("130213031301") && words[4].hasPrefix("TLS_AES_256_GCM_SHA384,"))

        // Nothing is kept that the file does not ask for.
        let other = try Echo("[%[ssl_fc_cipherlist_hex]%[ssl_fc_protocol_hello_id]] %[ssl_fc_crtname]")
        #expect(try other.ask() == "[] \(other.folder)/localhost.pem")
    }

    @Test("Secrets of a connection are there with tune.ssl.keylog")
    func secrets() throws {
        let echo = try Echo(
            "%[ssl_fc_client_traffic_secret_0] %[ssl_fc_server_traffic_secret_0] %[ssl_fc_exporter_secret]",
            global: "tune.ssl.keylog on")
        let file = Stage.current.folder + "/keys"
        let ended = try play([
            "env", "SSLKEYLOGFILE=\(file)", "curl", "--silent", "--cacert", echo.folder + "/ca.pem",
            "https://localhost:\(echo.port)/",
        ])
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let values = ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"].map { label in
            String(lines.first { $0.hasPrefix(label) }?.split(separator: " ").last ?? "?")
        }
        #expect(ended.output == values.joined(separator: " "))
        #expect(try Echo("[%[ssl_fc_exporter_secret]]").ask() == "[]")
    }

    @Test("A failed handshake has its line, with the words of error-log-format or the reason in plain ones")
    func failures() throws {
        let echo = try Echo(
            "", bind: "ca-file FOLDER/ca.pem verify required",
            frontend:
                "error-log-format \"failed %[fc_err]:%[fc_err_name] %[ssl_fc_err,and(4095)]:%[ssl_fc_err_str] %[ssl_c_err],%[ssl_c_ca_err] %[ssl_c_s_dn] %[ssl_fc_sni] %sslv/%sslc\""
        )
        _ = try play(["curl", "--silent", "-k", "--max-time", "20", "https://localhost:\(echo.port)/"])
        #expect(
            try echo.portico.logLine(with: "failed ")
                == "failed 34:SSL_HANDSHAKE 199:error:0A0000C7:SSL routines::peer did not return a certificate 0,0 - localhost TLSv1.3/TLS_AES_256_GCM_SHA384"
        )
        let stranger = Stage.current.folder + "/stranger.pem"
        let made = try play([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=stranger",
            "-keyout", stranger + ".key", "-out", stranger,
        ])
        #expect(made.exit == .status(0))
        _ = try play([
            "curl", "--silent", "-k", "--max-time", "20", "--cert", stranger, "--key", stranger + ".key",
            "https://localhost:\(echo.port)/",
        ])
        #expect(
            try echo.portico.logLine(with: "CN=stranger")
                == "failed 31:SSL_CRT_FAIL 134:error:0A000086:SSL routines::certificate verify failed 18,0 /CN=stranger localhost TLSv1.3/TLS_AES_256_GCM_SHA384"
        )
    }

    // MARK: Servers

    /// What a format says of an exchange with a server: in a field of its response.
    private func facts(
        _ format: String, of server: SecureServer, trusting authority: TestAuthority, global: String = "",
        words: String = ""
    ) throws -> [String] {
        let front = try FrontDoor(
            before: server.port, global: global,
            backend: "option httpclose\nhttp-response set-header X-Facts \"\(format)\"",
            server: "ssl ca-file \(authority.certificate) sni str(a.example) \(words)")
        return try (1...2).map { _ in try fetch("/", from: front.port).all("x-facts").first ?? "" }
    }

    @Test("The handshake with a server, and one that goes on with its session", arguments: ["1.2", "1.3"])
    func serverHandshake(version: String) throws {
        let authority = try TestAuthority()
        let server = try SecureServer(authority.issue(for: "a.example"), "version=\(version)", "alpn=http/1.1")
        let facts = try facts(
            "%[ssl_bc] %[ssl_bc_protocol] %[ssl_bc_cipher] %[ssl_bc_alg_keysize] %[ssl_bc_use_keysize] %[ssl_bc_alpn] "
                + "%[ssl_bc_client_random,hex,length] %[ssl_bc_server_random,hex,length] %[ssl_bc_session_key,hex,length] "
                + "%[bc_err] %[ssl_bc_err] %[ssl_bc_is_resumed]",
            of: server, trusting: authority, global: "nbthread 1", words: "alpn http/1.1")
        let cipher = version == "1.2" ? "ECDHE-ECDSA-AES256-GCM-SHA384" : "TLS_AES_256_GCM_SHA384"
        let expected = "1 TLSv\(version) \(cipher) 256 256 http/1.1 64 64 96 0 0"
        #expect(facts == ["\(expected) 0", "\(expected) 1"])
    }

    @Test("A server's certificate, in all its parts")
    func serverCertificate() throws {
        let authority = try TestAuthority()
        let certificate = try authority.issue(for: "a.example")
        let facts = try facts(
            "%[ssl_s_s_dn] %[ssl_s_s_dn(CN)] %[ssl_s_i_dn(CN)] %[ssl_s_serial,hex] %[ssl_s_sha1,hex] %[ssl_s_der,sha1,hex] "
                + "%[ssl_s_key_alg] %[ssl_s_sig_alg] %[ssl_s_version] %[ssl_s_notafter]",
            of: SecureServer(certificate), trusting: authority, words: "no-ssl-reuse")
        let openssl = try play([
            "openssl", "x509", "-in", certificate, "-noout", "-serial", "-fingerprint", "-sha1", "-enddate",
            "-dateopt", "iso_8601",
        ])
        let lines = openssl.output.split(separator: "\n").map { $0.drop { $0 != "=" }.dropFirst() }
        let (serial, sha1) = (String(lines[0]), lines[1].replacing(":", with: ""))
        let end = lines[2].filter { $0.isNumber }.dropFirst(2)
        let expected =
            "/CN=a.example a.example Test CA \(serial) \(sha1) \(sha1) id-ecPublicKey ecdsa-with-SHA256 3 \(end)Z"
        #expect(facts == [expected, expected])
    }

    @Test("Secrets of a server's connection are there with tune.ssl.keylog", .enabled(if: Portico.isItself))
    func serverSecrets() throws {
        // HAProxy has these since 3.3.
        let authority = try TestAuthority()
        let file = Stage.current.folder + "/keys"
        let server = try SecureServer(authority.issue(for: "a.example"), "keys=\(file)")
        let format = "%[ssl_bc_client_traffic_secret_0] %[ssl_bc_server_traffic_secret_0] %[ssl_bc_exporter_secret]"
        let facts = try facts(format, of: server, trusting: authority, global: "tune.ssl.keylog on")
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let values = ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"].map { label in
            String(lines.first { $0.hasPrefix(label) }?.split(separator: " ").last ?? "?")
        }
        #expect(facts[0] == values.joined(separator: " "))
        #expect(try self.facts("[\(format)]", of: server, trusting: authority)[0] == "[  ]")
    }

    @Test("A failed handshake with a server is told in the log")
    func serverFailures() throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority(named: "Stranger"))
        let good = try SecureServer(authority.issue(for: "a.example"))
        let other = try SecureServer(authority.issue(for: "b.example"))
        let foreign = try SecureServer(stranger.issue(for: "a.example"))
        let fussy = try SecureServer(
            authority.issue(for: "a.example"), "clients=\(authority.certificate)", "version=1.2")
        let trust = "ssl ca-file \(authority.certificate)"
        for (server, words, expected) in [
            (good, "\(trust) sni str(a.example)", "0:Success 0:- "),
            (
                other, "\(trust) sni str(a.example)",
                "33:Server presented an SSL certificate different from the expected one 134:certificate verify failed "
            ),
            (
                other, "\(trust) verifyhost a.example no-sni-auto",
                "32:Server presented an SSL certificate different from the configured one 134:certificate verify failed "
            ),
            (foreign, "\(trust) sni str(a.example)", "34:SSL handshake failure 134:certificate verify failed "),
            // HAProxy's own certificate is what the server lacks.
            (fussy, "\(trust) sni str(a.example)", "34:SSL handshake failure 1040:"),
        ] where Portico.isItself || !words.contains("no-sni-auto") {
            let front = try FrontDoor(
                before: server.port,
                defaults: "retries 0\nlog-format \"FACTS %[bc_err]:%[bc_err_str] %[ssl_bc_err,and(4095)]:"
                    + "%[ssl_bc_err_str,field(5,:)] .\"",
                server: words)
            _ = try fetch("/", from: front.port)
            let line = try front.portico.logLine(with: "FACTS")
            #expect(line.contains("FACTS \(expected)"), "\(line)")
        }
    }
}
