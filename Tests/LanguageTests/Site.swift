// A complete configuration around one example: every section is valid and has what it needs, so that all problems are those
// of the example. It is parsed and its plan is built, as at start-up.

import Basics
import Configuration
import Foundation
import Logging
import Proxy
import Testing

@testable import portico

/// The result for an example's line.
struct Site {
    /// Errors and warnings.
    let problems: [ConfigProblem]
    /// The line number of the example.
    let line: Int

    private static let file = "example.cfg"

    init(
        _ text: String, before: [String] = [], after: [String] = [], in section: SectionKind,
        environment: [String: String]
    ) {
        var lines: [String] = []
        var place = 0
        for (kind, own) in Self.sections {
            lines += own
            guard kind == section else { continue }
            lines += (before + [text]).map { "    " + $0 }
            place = lines.count
            lines += after.map { "    " + $0 }
        }
        self.init(lines, line: place, environment: environment)
    }

    /// All examples at once.
    init(all examples: [(example: Example, section: SectionKind)], environment: [String: String]) {
        var port = 20_000
        let lines = Self.lines(of: examples) {
            port += 1
            return port
        }
        self.init(lines, line: 0, environment: environment)
    }

    /// A configuration of all examples, each in a section of its own except those of `global`. `port` returns a port for each
    /// address to bind.
    static func lines(
        of examples: [(example: Example, section: SectionKind)], port: () throws -> Int
    ) rethrows -> [String] {
        var lines: [String] = []
        let groups = Dictionary(grouping: examples, by: \.section)
        for (kind, own) in Self.sections {
            lines += own
            for (number, entry) in (groups[kind] ?? []).enumerated() {
                lines += Self.opening(of: kind, number)
                lines += (entry.example.before + [entry.example.accepted] + entry.example.after).map { "    " + $0 }
            }
            // The examples of `defaults` must affect only their own section.
            if kind == .defaults { lines += own }
        }
        return try lines.map { line in
            if line.contains("example.socket") {
                return line.replacing("example.socket", with: "\(try port()).socket")
            }
            guard line.contains(/^ *(bind|stats socket) 127\.0\.0\.1:/) else { return line }
            return line.replacing(/127\.0\.0\.1:\d+/, with: "127.0.0.1:\(try port())")
        }
    }

    private static func opening(of kind: SectionKind, _ number: Int) -> [String] {
        let header = "\(kind.name) \(kind.name)-\(number)"
        return switch kind {
        case .global: []
        case .userlist: [header, "    group members", "    user member insecure-password x"]
        case .resolvers: [header, "    nameserver one 127.0.0.1:53"]
        case .frontend: [header, "    bind 127.0.0.1:1", "    default_backend back"]
        case .backend: [header, "    server one 127.0.0.1:10002"]
        case .listen: [header, "    bind 127.0.0.1:1", "    server one 127.0.0.1:10002"]
        default: [header]
        }
    }

    private init(_ lines: [String], line: Int, environment: [String: String]) {
        self.line = line
        let loaded = KeywordRegistry.language.load(
            text: lines.joined(separator: "\n"), named: Self.file, environment: environment)
        var facts = ProcessFacts()
        facts.descriptorsLimit = 100_000
        var builder = PlanBuilder(
            global: loaded.global, proxies: loaded.proxies, sections: loaded.sections,
            logger: Logger(rings: 1), workers: 1, facts: facts, now: .now())
        _ = builder.build()
        problems = (loaded.problems + (loaded.isComplete ? builder.problems : [])).filter { $0.severity != .notice }
    }

    /// One of an example's two texts, with the lines around it.
    init(_ example: Example, _ text: String, in section: SectionKind, _ surroundings: Surroundings) {
        self.init(
            text, before: example.before, after: example.after, in: section, environment: surroundings.environment)
    }

    /// The errors and warnings, as printed.
    var text: String {
        let printer = ProblemPrinter(sources: Sources())
        return problems.map(printer.line).joined(separator: "\n")
    }

    /// Whether there are no errors. Warnings about the example are allowed.
    var acceptsTheLine: Bool { problems.allSatisfy { $0.severity == .warning && $0.range?.line == line } }

    /// Whether there are errors, and all problems are in the example's line.
    var refusesTheLine: Bool {
        problems.contains { $0.severity == .error } && problems.allSatisfy { $0.range?.line == line }
    }

    private static let sections: [(SectionKind, [String])] = [
        (.global, ["global", "    external-check"]),
        (
            .defaults,
            [
                "defaults", "    mode http", "    timeout client 5s", "    timeout server 5s", "    timeout connect 5s",
                "    timeout http-request 5s",
            ]
        ),
        (.httpErrors, ["http-errors pages", "    errorfile 503 \"${PAGE}\""]),
        (.userlist, ["userlist people", "    group members users member", "    user member insecure-password secret"]),
        (.resolvers, ["resolvers dns", "    nameserver one 127.0.0.1:53"]),
        (.ring, ["ring recent"]),
        (.logProfile, ["log-profile brief"]),
        (.mailers, ["mailers post"]),
        (.certificateStore, ["crt-store certificates"]),
        (.healthCheck, ["healthcheck probe", "    type tcp-check"]),
        (.frontend, ["frontend front", "    bind 127.0.0.1:10001", "    default_backend back"]),
        (.backend, ["backend back", "    server one 127.0.0.1:10002"]),
        (.listen, ["listen both", "    bind 127.0.0.1:10003", "    server one 127.0.0.1:10004"]),
    ]
}

/// The objects that examples may refer to.
final class Surroundings {
    let folder: URL
    let environment: [String: String]

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "portico-language-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let page = folder.appending(path: "page.http")
        try "HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nLater.\n".write(
            to: page, atomically: true, encoding: .utf8)
        let file = folder.appending(path: "file.txt")
        try "a file\n".write(to: file, atomically: true, encoding: .utf8)
        let configuration = folder.appending(path: "included.cfg")
        try "# nothing\n".write(to: configuration, atomically: true, encoding: .utf8)
        let key = folder.appending(path: "key.pem")
        try """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECuu+SkcoXBQjW2axUIl2GG/Mvi8e
        Lh4dC+LKiHTFqprI90vreM2g+lN6CaOH/ClC0c1YCWZoEluHCnw4nw44Pg==
        -----END PUBLIC KEY-----
        """.write(to: key, atomically: true, encoding: .utf8)
        let certificate = folder.appending(path: "site.pem")
        try Self.certificate.write(to: certificate, atomically: true, encoding: .utf8)
        let list = folder.appending(path: "list.txt")
        try "\(certificate.path) [alpn http/1.1] *.example.com !old.example.com\n".write(
            to: list, atomically: true, encoding: .utf8)
        let tickets = folder.appending(path: "tickets.txt")
        let ticket = String(repeating: "A", count: 64)
        try "\(ticket)\n\(ticket)\n\(ticket)\n".write(to: tickets, atomically: true, encoding: .utf8)
        let parameters = folder.appending(path: "parameters.pem")
        try Self.parameters.write(to: parameters, atomically: true, encoding: .utf8)
        environment = [
            "CERTIFICATE": certificate.path, "LIST": list.path, "TICKETS": tickets.path, "PARAMETERS": parameters.path,
            "PAGE": page.path, "FILE": file.path, "FOLDER": folder.path, "INCLUDED": configuration.path,
            "KEY": key.path,
        ]
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// A certificate for www.example.com, signed by itself, and its key. Valid from 2020 to 2120.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBdDCCARqgAwIBAgICEAEwCgYIKoZIzj0EAwIwGjEYMBYGA1UEAwwPd3d3LmV4
        YW1wbGUuY29tMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAaMRgw
        FgYDVQQDDA93d3cuZXhhbXBsZS5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AASu8gLcv3M91X4EBsDLLcKxpo6zUjRsJ+s9kTeEEZjBGGKZDu5lbQcMXwHealHy
        hwGgq58AVgP/zjtXPLwXgADOo04wTDAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQT
        MBGCD3d3dy5leGFtcGxlLmNvbTAdBgNVHQ4EFgQUm6O625poxAQDsQMdOgXTHbuk
        WVIwCgYIKoZIzj0EAwIDSAAwRQIgaLBGr1xzNhAZW7vAzFvkXwK5vxuegISrChRg
        PxF1Q2gCIQCnFc60fVBkL2+PUwkgWKODn/iWIimmTPuZDEGj2N9EvQ==
        -----END CERTIFICATE-----
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX174WOIlpg00DD6Z
        MlSu0mFWYdl9reAi9kuJY0Bd4GuhRANCAASu8gLcv3M91X4EBsDLLcKxpo6zUjRs
        J+s9kTeEEZjBGGKZDu5lbQcMXwHealHyhwGgq58AVgP/zjtXPLwXgADO
        -----END PRIVATE KEY-----

        """

    /// The group ffdhe2048 of RFC 7919.
    private static let parameters = """
        -----BEGIN DH PARAMETERS-----
        MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
        +8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
        87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
        YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
        7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
        ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
        -----END DH PARAMETERS-----

        """
}
