// Where lines about TLS begin from: what `global` says above them, and the folder of `default-path`.

import Foundation
import Testing

@Suite(.staged) struct TLSConfigurationScenarios {
    private let answer = "http-request return status 200 content-type text/plain string ok"

    @Test("`ssl-default-bind-*` is for the lines below it, and a later `global` does not change those above")
    func defaultsOfListeners() throws {
        let certificate = try TestAuthority().issue(for: "www.example.com")
        let ports = try (0..<3).map { _ in try freePort() }
        func frontend(_ number: Int, _ words: String = "") -> String {
            "frontend f\(number)\n    bind 127.0.0.1:\(ports[number]) ssl crt \(certificate) \(words)\n    \(answer)"
        }
        _ = try Portico(
            """
            \(opening())
            \(frontend(0))
            global
                ssl-default-bind-curves P-384
                ssl-default-bind-ciphersuites TLS_CHACHA20_POLY1305_SHA256
                ssl-default-bind-options ssl-max-ver TLSv1.3 ssl-min-ver TLSv1.3
            \(frontend(1))
            global
                ssl-default-bind-curves P-256
                ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
            \(frontend(2, "ssl-min-ver TLSv1.2"))
            """, listeningOn: ports[0], ports[1], ports[2])
        #expect(try SecureClient(ports[0], "-tls1_2").hasAnswer)
        #expect(try SecureClient(ports[0]).cipher == "TLS_AES_256_GCM_SHA384")
        #expect(try !SecureClient(ports[1], "-tls1_2").hasAnswer)
        #expect(try SecureClient(ports[1]).cipher == "TLS_CHACHA20_POLY1305_SHA256")
        #expect(try !SecureClient(ports[1], "-curves", "P-256").hasAnswer)
        #expect(try SecureClient(ports[2], "-curves", "P-256").cipher == "TLS_AES_128_GCM_SHA256")
        #expect(try SecureClient(ports[2], "-tls1_2", "-curves", "P-256").hasAnswer)
    }

    @Test("`ssl-default-server-*` is for the lines below it", .enabled(if: Portico.isItself))
    func defaultsOfServers() throws {
        // With HAProxy 2.6 the sections' order in the file is another matter.
        let server = try SecureServer(TestAuthority().issue(for: "a.example"))
        let ports = try [freePort(), freePort()]
        _ = try Portico(
            """
            \(opening(defaults: "    option httpclose"))
            listen new
                bind 127.0.0.1:\(ports[0])
                server s1 127.0.0.1:\(server.port) ssl verify none
            global
                ssl-default-server-options ssl-max-ver TLSv1.2
            listen old
                bind 127.0.0.1:\(ports[1])
                server s1 127.0.0.1:\(server.port) ssl verify none
            """, listeningOn: ports[0], ports[1])
        #expect(try SecureServer.Facts(fetch("/", from: ports[0]).text).version == "TLSv1.3")
        #expect(try SecureServer.Facts(fetch("/", from: ports[1]).text).version == "TLSv1.2")
    }

    /// Linux's module `tls`, as far as it is loaded.
    private static let kernelEncrypts =
        (try? String(contentsOfFile: "/proc/sys/net/ipv4/tcp_available_ulp", encoding: .utf8))?.contains("tls") == true

    @Test(
        "`ktls on` where the kernel cannot encrypt is told once, and content flows all the same",
        .enabled(if: Portico.isItself && !kernelEncrypts))
    func kernelThatCannotEncrypt() throws {
        let certificate = try TestAuthority().issue(for: "a.example")
        let server = try SecureServer(certificate)
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            listen app
                bind 127.0.0.1:\(port) ssl crt \(certificate) ktls on
                server s1 127.0.0.1:\(server.port) ssl verify none ktls on
            """, listeningOn: port)
        #expect(try SecureClient(port).hasAnswer)
        #expect(portico.process.errors.components(separatedBy: "'ktls on' does nothing here").count == 2)
    }

    @Test("`default-path` says where certificates, lists, authorities and ticket keys are")
    func defaultPath() throws {
        let (authority, stage) = (try TestAuthority(), Stage.current)
        let port = try freePort()
        func copy(_ path: String, to name: String) throws {
            _ = try stage.file("site/\(name)", String(contentsOfFile: path, encoding: .utf8))
        }
        try copy(authority.issue(for: "one.example"), to: "one.pem")
        try copy(authority.issue(for: "two.example"), to: "certs/two.pem")
        try copy(authority.issue(for: "three.example"), to: "folder/three.pem")
        try copy(authority.certificate, to: "ca.pem")
        _ = try stage.file("site/sites.txt", "certs/two.pem two.example\n")
        let keys = (1...3).map { Data(repeating: UInt8($0), count: 80).base64EncodedString() }
        _ = try stage.file("site/tickets", keys.joined(separator: "\n") + "\n")
        _ = try stage.file(
            "site/main.cfg",
            """
            global
                default-path config
            \(opening())
            frontend www
                bind 127.0.0.1:\(port) ssl crt one.pem crt-list sites.txt crt folder ca-file ca.pem verify optional tls-ticket-keys tickets
                \(answer)

            """)
        let process = try Child(
            [Portico.binary, "-db", "-f", "site/main.cfg"], named: "base", in: stage.folder,
            workingFolder: stage.folder)
        stage.atTheEnd { process.stop(patience: 1) }
        #expect(eventually { isListening(on: port) || process.ended() != nil }, "\(process.errors)")
        for name in ["one.example", "two.example", "three.example"] {
            #expect(try SecureClient(port, "-servername", name).shownName == name)
        }
    }

    @Test(
        "Without `curves` a client's group is taken that is rarer than X25519",
        arguments: ["X448", "P-521", "ffdhe2048"])
    func groups(name: String) throws {
        let port = try freePort()
        let certificate = try TestAuthority().issue(for: "www.example.com")
        _ = try Portico(
            "\(opening())\nfrontend f\n    bind 127.0.0.1:\(port) ssl crt \(certificate)\n    \(answer)\n",
            listeningOn: port)
        #expect(try SecureClient(port, "-tls1_3", "-groups", name).hasAnswer)
        #expect(try SecureClient(port).report.contains(/(Server Temp Key|Peer Temp Key).*X25519/))
    }
}
