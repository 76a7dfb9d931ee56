// Certificates that change while clients are served: by commands, and by their files.

import Foundation
import Testing

@Suite(.staged) struct CertificateRenewalScenarios {
    /// A site with certificates of many names in one folder, and a second certificate for each.
    private struct Site {
        let folder = Stage.current.folder + "/certificates"
        let renewed = Stage.current.folder + "/renewed"
        let socket = Stage.current.folder + "/runtime"
        let names: [String]
        let port: Int
        let portico: Portico

        init(_ count: Int, global: String = "") throws {
            names = (1...count).map { "site\($0).example" }
            port = try freePort()
            // One key for all: keys take longer to make than certificates.
            let script = """
                set -eu; mkdir -p "$1" "$2"; key=$1.key
                openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key"
                for i in $(seq \(count)); do
                  for kind in "$1 old" "$2 new"; do set -- $kind
                    openssl req -x509 -key "$key" -days 30 -subj "/O=$2/CN=site$i.example" -out "$1/site$i.pem"
                    cat "$key" >> "$1/site$i.pem"
                  done
                  set -- "\(folder)" "\(renewed)"
                done
                """
            let made = try play(["bash", "-c", script, "make", folder, renewed])
            guard made.exit == .status(0) else { throw StageFault("no certificates: \(made.errors)") }
            portico = try Portico(
                """
                \(opening(global: "stats socket \(socket) level admin\n\(global)"))
                frontend www
                    bind 127.0.0.1:\(port) ssl crt \(folder)
                    http-request return status 200 content-type text/plain string ok
                """, listeningOn: port)
        }

        func path(_ number: Int) -> String { "\(folder)/site\(number).pem" }
        func renewedText(_ number: Int) throws -> String {
            try String(contentsOfFile: "\(renewed)/site\(number).pem", encoding: .utf8)
        }

        /// Whether the certificate that is in use is the renewed one.
        func isRenewed(_ number: Int) throws -> Bool {
            try ask(socket, "show ssl cert \(path(number))").contains("/O=new/")
        }

        /// What clients see: `old` or `new`.
        func shown(_ number: Int) throws -> String? {
            try SecureClient(port, "-servername", "site\(number).example").report
                .firstMatch(of: /subject=.*?O ?= ?(\w+)/).map { String($0.1) }
        }

        /// Changes something under load; the clients' requests must all be answered.
        func underLoad(_ body: () throws -> Void) throws {
            let stop = Stage.current.folder + "/stop"
            let script = projectFolder + "/Tests/ScenarioTests/Peers/tls_load.py"
            let load = try Child(
                ["/usr/bin/python3", script, "\(port)", "4", stop] + names, named: "load", in: Stage.current.folder)
            Stage.current.atTheEnd { load.stop(patience: 0.5) }
            try body()
            _ = try Stage.current.file("stop", "")
            #expect(load.end(within: 90) == .status(0), "\(load.errors)")
            let words = load.output.split(separator: " ", maxSplits: 2)
            #expect(
                words.count >= 2 && (Int(words[0]) ?? 0) > 0 && Int(words[1].prefix { $0.isNumber }) == 0,
                "\(load.output)")
        }
    }

    @Test("A hundred certificates exchanged by commands under load lose no request")
    func commands() throws {
        let site = try Site(100)
        try site.underLoad {
            for number in 1...100 {
                let path = site.path(number)
                let set = try ask(site.socket, "set ssl cert \(path) <<\n\(try site.renewedText(number))")
                #expect(set.contains("Transaction created for certificate \(path)!"))
                #expect(try ask(site.socket, "commit ssl cert \(path)").contains("Success!"))
            }
        }
        #expect(try site.shown(1) == "new" && site.shown(57) == "new" && site.shown(100) == "new")
    }

    @Test(
        "A hundred certificates whose files are renewed under load are taken, and lose no request",
        .enabled(if: Portico.isItself))
    func files() throws {
        let site = try Site(100)
        try site.underLoad {
            for number in 1...100 {
                // Into the place of the old one, or written over it.
                if number % 2 == 0 {
                    let new = site.folder + "/.new"
                    try site.renewedText(number).write(toFile: new, atomically: false, encoding: .utf8)
                    guard unsafe rename(new, site.path(number)) == 0 else { throw StageFault("rename: \(errno)") }
                } else {
                    try site.renewedText(number).write(toFile: site.path(number), atomically: false, encoding: .utf8)
                }
            }
            for number in 1...100 { #expect(eventually { (try? site.isRenewed(number)) == true }, "\(number)") }
        }
        #expect(try site.shown(1) == "new" && site.shown(100) == "new")
    }

    @Test(
        "A link that is switched is followed; what is broken is logged, and the old one stays",
        .enabled(if: Portico.isItself))
    func links() throws {
        let site = try Site(2)
        let text = try site.renewedText(1)
        try text.prefix(text.count / 2).write(toFile: site.path(1), atomically: false, encoding: .utf8)
        _ = try site.portico.logLine(with: "Certificate '\(site.path(1))' was not renewed, the old one stays in use: ")
        #expect(try site.shown(1) == "old")
        // It is whole now.
        try text.write(toFile: site.path(1), atomically: false, encoding: .utf8)
        _ = try site.portico.logLine(with: "Certificate '\(site.path(1))' was renewed from its file.")
        #expect(try site.shown(1) == "new")
        // As programs do that keep all versions of a certificate: the link is replaced by another.
        let link = site.folder + "/.link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "../renewed/site2.pem")
        guard unsafe rename(link, site.path(2)) == 0 else { throw StageFault("rename: \(errno)") }
        _ = try site.portico.logLine(with: "Certificate '\(site.path(2))' was renewed from its file.")
        #expect(try site.shown(2) == "new")
    }

    @Test(
        "Who is let in follows the renewed files of authorities and revocation lists; a broken one changes nothing",
        .enabled(if: Portico.isItself))
    func trust() throws {
        let (members, others) = (try TestAuthority(named: "Members"), try TestAuthority(named: "Others"))
        let (client, stranger) = (try members.issue(for: "client"), try others.issue(for: "stranger"))
        func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
        let list = try Stage.current.file("trust/members.crl", text(members.revocationList()))
        let authorities = try Stage.current.file("trust/ca.pem", text(members.certificate))
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            frontend www
                bind 127.0.0.1:\(port) ssl crt \(try others.issue(for: "www")) ca-file \(authorities) crl-file \(list) verify required
                http-request return status 200 content-type text/plain string ok
            """, listeningOn: port)
        #expect(try SecureClient(port, "-cert", client).hasAnswer)
        let revoked = try text(members.revocationList(of: client))
        try revoked.prefix(revoked.count / 2).write(toFile: list, atomically: false, encoding: .utf8)
        _ = try portico.logLine(with: "CRL file '\(list)' was not renewed, the old one stays in use: ")
        #expect(try SecureClient(port, "-cert", client).hasAnswer)
        try revoked.write(toFile: list, atomically: true, encoding: .utf8)
        _ = try portico.logLine(with: "CRL file '\(list)' was renewed from its file.")
        #expect(try SecureClient(port, "-cert", client).wasRefused("certificate revoked"))

        #expect(try SecureClient(port, "-cert", stranger).wasRefused("unknown ca"))
        try text(others.revocationList()).write(toFile: list, atomically: false, encoding: .utf8)
        try text(others.certificate).write(toFile: authorities, atomically: false, encoding: .utf8)
        _ = try portico.logLine(with: "CA file '\(authorities)' was renewed from its file.")
        #expect(eventually { (try? SecureClient(port, "-cert", stranger).hasAnswer) == true })
        #expect(try SecureClient(port, "-cert", client).wasRefused("unknown ca"))
    }

    // HAProxy 2.6 refuses the key at once.
    @Test("Wrong payloads are refused, and the certificate stays", .enabled(if: Portico.isItself))
    func wrongPayloads() throws {
        let site = try Site(2)
        let path = site.path(1)
        #expect(try ask(site.socket, "set ssl cert \(path) <<\nnothing\n").contains("Can't update \(path)!"))
        #expect(try ask(site.socket, "commit ssl cert \(path)").contains("No ongoing transaction!"))
        #expect(try ask(site.socket, "set ssl cert /nowhere.pem <<\n\(site.renewedText(1))").contains("Can't update"))
        // A key that belongs to another certificate.
        let other = try TestAuthority().issue(for: "other.example")
        let key = try #require(String(contentsOfFile: other, encoding: .utf8).firstRange(of: "-----BEGIN PRIVATE"))
        let keyText = try String(String(contentsOfFile: other, encoding: .utf8)[key.lowerBound...])
        let certificate = try site.renewedText(1).split(separator: "-----BEGIN PRIVATE")[0]
        #expect(
            try ask(site.socket, "set ssl cert \(path) <<\n\(certificate)\(keyText)").contains("Transaction created"))
        #expect(try ask(site.socket, "commit ssl cert \(path)").contains("Can't commit \(path)!"))
        #expect(try site.shown(1) == "old")
        #expect(
            try ask(site.socket, "abort ssl cert \(path)").contains("Transaction aborted for certificate '\(path)'!"))
        #expect(try !site.isRenewed(1))
    }
}
