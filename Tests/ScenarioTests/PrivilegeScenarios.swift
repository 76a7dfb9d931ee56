// Files of root's that are renewed after Portico has become another user: the control thread alone may read them.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself && geteuid() == 0)) struct PrivilegeScenarios {
    /// CAP_DAC_READ_SEARCH, as /proc writes a set of capabilities.
    private static let reading = "0000000000000004"
    private static let none = "0000000000000000"

    /// A site in a chroot and as another user, with a certificate in a folder of its own.
    private struct Site {
        let file = Stage.current.folder + "/keys/site.pem"
        let port: Int
        let portico: Portico
        private let authority: TestAuthority

        /// - Parameter mode: of the certificate's file and its folder.
        init(mode: (file: Int, folder: Int)) throws {
            authority = try TestAuthority()
            let folder = (file as NSString).deletingLastPathComponent
            let jail = Stage.current.folder + "/jail"
            for made in [folder, jail] {
                try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
            }
            try Self.put(authority.issue(for: "old.example"), at: file, mode: mode.file)
            try FileManager.default.setAttributes([.posixPermissions: mode.folder], ofItemAtPath: folder)
            port = try freePort()
            portico = try Portico(
                """
                \(opening(global: "chroot \(jail)\n    user nobody\n    group nogroup\n    nbthread 2"))
                frontend www
                    bind 127.0.0.1:\(port) ssl crt \(file)
                    http-request return status 200 content-type text/plain string ok
                """, listeningOn: port)
        }

        func renew(mode: Int) throws { try Self.put(authority.issue(for: "new.example"), at: file, mode: mode) }

        private static func put(_ made: String, at path: String, mode: Int) throws {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: made)
            guard unsafe rename(made, path) == 0 else { throw StageFault("rename: \(errno)") }
        }

        /// What the system says of each thread, by its name.
        func threads() throws -> [(name: String, facts: [String: String])] { try Self.threads(of: portico) }

        static func threads(of portico: Portico) throws -> [(name: String, facts: [String: String])] {
            let tasks = "/proc/\(portico.process.pid)/task"
            return try FileManager.default.contentsOfDirectory(atPath: tasks).map { task in
                var facts: [String: String] = [:]
                for line in try String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8).split(
                    separator: "\n")
                {
                    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
                    if words.count > 1 { facts[words[0]] = words[1] }
                }
                facts["root"] = try FileManager.default.destinationOfSymbolicLink(atPath: "\(tasks)/\(task)/root")
                return (facts["Name:"] ?? "", facts)
            }
        }
    }

    @Test("As another user in a chroot, a renewed key of root's alone is taken, and no worker has the privilege for it")
    func keyOfRoot() throws {
        let site = try Site(mode: (0o600, 0o700))
        #expect(try SecureClient(site.port).shownName == "old.example")
        try site.renew(mode: 0o600)
        _ = try site.portico.logLine(with: "Certificate '\(site.file)' was renewed from its file.")
        #expect(try SecureClient(site.port).shownName == "new.example")
        let threads = try site.threads()
        #expect(threads.count { $0.name.hasPrefix("portico-") } >= 4, "\(threads.map(\.name))")
        for (name, facts) in threads {
            #expect(facts["Uid:"] == "65534", "\(name)")
            // In effect only while a file is read.
            #expect(facts["CapEff:"] == Self.none, "\(name)")
            #expect(facts["CapPrm:"] == (name.hasPrefix("portico-") ? Self.none : Self.reading), "\(name)")
            #expect(facts["CapInh:"] == Self.none && facts["CapAmb:"] == Self.none, "\(name)")
            #expect(facts["root"] == (name.hasPrefix("portico-") ? Stage.current.folder + "/jail" : "/"), "\(name)")
        }
    }

    @Test("No privilege is kept where the user may read the files")
    func readableKey() throws {
        let site = try Site(mode: (0o644, 0o755))
        try site.renew(mode: 0o644)
        _ = try site.portico.logLine(with: "Certificate '\(site.file)' was renewed from its file.")
        for (name, facts) in try site.threads() { #expect(facts["CapPrm:"] == Self.none, "\(name)") }
    }

    @Test("Where a port is the system's own, the main thread alone keeps the privilege to listen there again")
    func lowPort() throws {
        let port = try #require((600..<1_024).first { !isListening(on: $0) })
        let portico = try Portico(
            """
            \(opening(global: "user nobody\n    group nogroup\n    nbthread 2"))
            frontend www
                bind 127.0.0.1:\(port)
                http-request return status 200 content-type text/plain string ok

            """, listeningOn: port)
        #expect(try fetch("/", from: port).text == "ok")
        for (name, facts) in try Site.threads(of: portico) {
            let permitted = try #require(UInt64(facts["CapPrm:"] ?? "", radix: 16))
            // CAP_NET_BIND_SERVICE; whether the stage's files need one more is another test's.
            #expect(name.hasPrefix("portico-") ? permitted == 0 : permitted & ~0x4 == 0x400, "\(name): \(permitted)")
            #expect(facts["CapEff:"] == Self.none && facts["Uid:"] == "65534", "\(name)")
        }
    }

    @Test("As another user in a chroot, a reload opens another low port, and reads files of root's")
    func reload() throws {
        let folder = Stage.current.folder + "/secret"
        let jail = Stage.current.folder + "/jail"
        for made in [folder, jail] {
            try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
        func put(_ name: String, _ text: String) throws -> String {
            let path = folder + "/" + name
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            return path
        }
        let authority = try TestAuthority()
        func key(_ host: String) throws -> String {
            try put(host + ".pem", String(contentsOfFile: authority.issue(for: host), encoding: .utf8))
        }
        let low = (600..<1_024).filter { !isListening(on: $0) }
        let (port, other) = (try #require(low.first), try #require(low.last))
        func site(_ lines: String...) throws -> String {
            try put("site.cfg", "frontend www\n" + lines.map { "    \($0)\n" }.joined())
        }
        let file = try site("bind 127.0.0.1:\(port) ssl crt \(key("old.example"))", "http-request deny")
        let portico = try Portico(
            opening(global: "chroot \(jail)\n    user nobody\n    group nogroup\n    nbthread 2"), listeningOn: port,
            arguments: ["-f", file])
        #expect(try SecureClient(port).shownName == "old.example")
        _ = try site(
            "bind 127.0.0.1:\(port) ssl crt \(key("new.example"))", "bind 127.0.0.1:\(other)",
            "http-request return status 200 content-type text/plain file \(put("page", "a page of root's"))")
        portico.process.signal(SIGUSR2)
        #expect(eventually { isListening(on: other) })
        #expect(eventually { (try? SecureClient(port).shownName) == "new.example" })
        #expect(try fetch("/", from: other).text == "a page of root's")
        for (name, facts) in try Site.threads(of: portico) {
            let isConfined = name.hasPrefix("portico-")
            #expect(facts["CapEff:"] == Self.none && facts["Uid:"] == "65534", "\(name)")
            // CAP_DAC_READ_SEARCH and CAP_NET_BIND_SERVICE.
            #expect(facts["CapPrm:"] == (isConfined ? Self.none : "0000000000000404"), "\(name)")
            #expect(facts["root"] == (isConfined ? jail : "/"), "\(name)")
        }
    }

    @Test("A check finds a server where its connections go, in the chroot, and a program there too")
    func pathsInChroot() throws {
        let jail = Stage.current.folder + "/jail"
        try FileManager.default.createDirectory(atPath: jail, withIntermediateDirectories: true)
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(global: "chroot \(jail)\n    user nobody\n    group nogroup\n    external-check"))
            frontend app
                bind \(jail)/app.sock user nobody
                http-request return status 200 content-type text/plain string "from the jail"
            frontend www
                bind 127.0.0.1:\(port)
                default_backend inside
            backend inside
                option httpchk
                server s /app.sock check inter 50ms
            backend outside
                server s \(jail)/app.sock check inter 50ms
            backend programs
                option external-check
                external-check command /bin/true
                server s 127.0.0.1:\(port) check inter 50ms

            """, listeningOn: port)
        _ = try portico.logLine(with: "Server outside/s is DOWN")
        _ = try portico.logLine(with: "Server programs/s is DOWN")
        #expect(try fetch("/", from: port).text == "from the jail")
        #expect(!portico.logLines.contains { $0.contains("Server inside/s is DOWN") })
    }

    @Test("A file that cannot be read again is named at the start, with the reason")
    func warnings() throws {
        let file = try TestAuthority().issue(for: "www.example")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let link = Stage.current.folder + "/link.pem"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        func check(_ certificate: String, as command: String...) throws -> String {
            let configuration = try Stage.current.file(
                "site.cfg",
                """
                \(opening(global: "chroot /var/empty\n    user nobody\n    group nogroup"))
                frontend www
                    bind 127.0.0.1:1 ssl crt \(certificate)

                """)
            let ended = try play(command + [Portico.binary, "-c", "-f", configuration])
            #expect(ended.exit == .status(0), "\(ended.errors)")
            return ended.errors
        }
        #expect(try !check(file).contains("cannot be read again"))
        // The thread that reads it has the root directory of the start.
        #expect(try !check(link).contains("cannot be read again"))
        let confined = try check(file, as: "setpriv", "--bounding-set=-dac_read_search")
        #expect(confined.contains("'\(file)': it cannot be read again as user 65534, since root lacks the capability"))
    }
}
