// The configuration of a round, drawn from its seed: one frontend, and a backend for each way of treating a message.

import Chance
import KernelSimulation
import Reactor
import TLS

/// A backend, and what its requests' paths begin with.
enum Route: String, CaseIterable {
    case plain, held, taken, spilled, awaited, closing, serverclosing, fresh, shared, limited, retried, resolved
    case announced, checked
    // Answered by Portico itself.
    case denied, redirected, returned, files, stats

    var hasServers: Bool {
        switch self {
        case .denied, .redirected, .returned, .files, .stats: false
        default: true
        }
    }

    /// Not where something comes in clear before the handshake, or where checks are answered in clear.
    var mayBeSecure: Bool { self != .announced && self != .checked }

    static let ofServers = allCases.filter(\.hasServers)
    static let ofPortico = allCases.filter { !$0.hasServers }

    /// The ports its three servers listen on.
    var ports: ClosedRange<UInt16> {
        let first = 9_000 + 10 * UInt16(Self.allCases.firstIndex(of: self) ?? 0)
        return first...first + 2
    }
}

struct RoundConfiguration {
    let isTCP: Bool
    let hasFaults: Bool
    /// Clients come through a proxy, which says so at the beginning of each connection.
    let isBehindProxy: Bool
    /// Clients speak TLS.
    let isEncrypted: Bool
    /// Some clients speak HTTP/2.
    let hasMultiplexedClients: Bool
    /// The backends whose servers speak HTTP/2.
    private let multiplexedRoutes: [Route]
    /// What servers speak TLS with, in rounds in which they do: in HTTP/1, and in HTTP/2.
    private let secureServers: TLSListener?
    private let secureMultiplexedServers: TLSListener?
    private let sections: String

    /// - Parameter folder: has `site/` with files, and takes spilled bodies.
    init(_ random: inout SeededRandom, hasFaults: Bool, folder: String) {
        self.hasFaults = hasFaults
        isTCP = random.oneIn(8)
        isBehindProxy = random.oneIn(6)
        isEncrypted = !isBehindProxy && random.oneIn(5)
        let encryptsServers = random.oneIn(5)
        if isEncrypted || encryptsServers { SecureLink.writeCertificate(to: folder) }
        secureServers = encryptsServers ? SecureLink.makeServers(in: folder) : nil
        secureMultiplexedServers =
            encryptsServers ? SecureLink.makeServers(in: folder, protocols: [SpokenProtocols.http2]) : nil
        hasMultiplexedClients = !isTCP && random.oneIn(2)
        var routes: [Route] = []
        if !isTCP, random.oneIn(2) {
            for route in Route.ofServers where route != .checked && !random.oneIn(3) { routes.append(route) }
        }
        multiplexedRoutes = routes
        sections = Self.sections(
            &random, isTCP: isTCP, isBehindProxy: isBehindProxy, isEncrypted: isEncrypted,
            encryptsServers: encryptsServers, multiplexed: routes, hasFaults: hasFaults, folder: folder)
    }

    /// Whether the server at `port` speaks HTTP/2.
    func speaksHTTP2(_ port: UInt16) -> Bool { multiplexedRoutes.contains { $0.ports.contains(port) } }

    /// What encrypts a server's end of a connection; nil where it is plain.
    func serverEngine(_ wire: Wire, port: UInt16) -> TLSEngine? {
        guard let secureServers, Route.ofServers.contains(where: { $0.mayBeSecure && $0.ports.contains(port) }) else {
            return nil
        }
        if speaksHTTP2(port) { return secureMultiplexedServers?.makeEngine(Socket(wire.number)) }
        return secureServers.makeEngine(Socket(wire.number))
    }

    /// The file's text, with the descriptor that lines go to.
    func text(log: Int32) -> String { "global\n    log fd@\(log) format raw local0\n" + sections }

    private static func sections(
        _ random: inout SeededRandom, isTCP: Bool, isBehindProxy: Bool, isEncrypted: Bool,
        encryptsServers: Bool, multiplexed: [Route], hasFaults: Bool, folder: String
    ) -> String {
        // Peers that behave may be slow, but are never cut.
        let seconds = hasFaults ? [1, 5, 20, 60].randomElement(using: &random) ?? 20 : 600
        let bufsize = [4_096, 8_192, 16_384].randomElement(using: &random) ?? 16_384
        var lines = """
                tune.bufsize \(bufsize)
            \(multiplexing(hasFaults: hasFaults, &random))
            defaults
                mode \(isTCP ? "tcp" : "http")
                log global
                log-format "\(Ledger.format)"
                timeout connect \(hasFaults ? random.number(1...5) : 60)s
                timeout client \(seconds)s
                timeout server \(hasFaults ? random.number(1...60) : 600)s
                retries \(random.number(0...3))

            """
        func say(_ line: String, oneIn n: Int = 1) {
            if random.oneIn(n) { lines += "    \(line)\n" }
        }
        if hasFaults {
            say("timeout http-request \(random.number(1...10))s", oneIn: 2)
            say("timeout http-keep-alive \(random.number(100...5_000))ms", oneIn: 2)
            say("timeout tunnel \(random.number(1...100))s", oneIn: 2)
            say("timeout client-fin \(random.number(1...10))s", oneIn: 3)
            say("timeout server-fin \(random.number(1...10))s", oneIn: 3)
            say("option redispatch \(random.number(1...2))", oneIn: 2)
            say("option abortonclose", oneIn: 3)
            say("option splice-request", oneIn: 2)
            say("option splice-response", oneIn: 2)
            say("no option splice-auto", oneIn: 6)
            say("timeout queue \(random.number(1...20_000))ms", oneIn: 2)
        } else {
            // Nobody is to wait long for the place of somebody who has nothing more to ask.
            say("timeout http-request 600s")
            say("timeout queue 6000s")
            say("timeout http-keep-alive 60s")
            say("option redispatch 1")
        }
        lines += "\nfrontend www\n"
        if isBehindProxy && random.oneIn(2) {
            say("bind 127.0.0.1:80")
            say("tcp-request connection expect-proxy layer4 if { src 127.0.0.0/8 }")
            say("tcp-request session set-var(sess.client) src")
        } else {
            let tls = isEncrypted ? " ssl crt \(folder)/\(SecureLink.fileName)" : ""
            say("bind 127.0.0.1:80\(isBehindProxy ? " accept-proxy" : "")\(tls)")
        }
        // A connection whose handshake fails has a number too, and so a line.
        say("error-log-format \"\(Ledger.format)\"")
        // In TCP mode, clients that stay when they have everything stay for ten minutes, if nothing else ends them: with a maxconn
        // the others would lose patience.
        if hasFaults || !isTCP { say("maxconn \(random.number(4...20))", oneIn: 6) }
        if isTCP {
            say("tcp-request content do-resolve(sess.ip,dns) src_port,mod(7)", oneIn: 2)
            say("tcp-request inspect-delay \(random.number(1...500))ms")
            if !random.oneIn(3) { say("tcp-request content accept if WAIT_END") }
            say("default_backend plain")
        } else {
            say("option http-buffer-request", oneIn: 8)
            say([["option httpclose"], ["option http-server-close"]].randomElement(using: &random)?[0] ?? "", oneIn: 6)
            say("option forwardfor", oneIn: 2)
            say(
                random.oneIn(2)
                    ? "http-request deny if { path_beg /denied/ }"
                    : "http-request tarpit deny_status 403 if { path_beg /denied/ }")
            say("timeout tarpit \(random.number(1...2_000))ms")
            say("http-request redirect location /elsewhere if { path_beg /redirected/ }")
            say("http-request return status 200 content-type text/plain string \"as it is\" if { path_beg /returned/ }")
            say("http-request set-header X-Said-By-Rule yes", oneIn: 2)
            say("http-response set-header X-Also-Said yes", oneIn: 2)
            say("http-response deny if { res.hdr(x-secret) -m found }")
            say("stats enable")
            say("stats uri /stats")
            for route in Route.ofServers + [.files] { say("use_backend \(route) if { path_beg /\(route)/ }") }
            say("default_backend plain")
        }
        // All of a backend's servers full: who comes has to wait.
        let isCrowded = hasFaults && random.oneIn(isTCP ? 2 : 6)
        for route in Route.ofServers {
            let isLimited = route == .limited || route == .plain && isCrowded
            lines += "\nbackend \(route)\n"
            for line in Self.words(of: route, folder, &random) { say(line) }
            if isTCP { for line in Self.rulesOnResponses(hasFaults: hasFaults, &random) { say(line) } }
            say("balance leastconn", oneIn: 2)
            for (number, port) in route.ports.enumerated() {
                let pool = random.oneIn(4) ? " pool-max-conn \(random.number(1...3))" : ""
                let limits = isLimited || random.oneIn(12) ? Self.limits(&random) : ""
                let header = route == .announced ? random.oneIn(2) ? " send-proxy" : " send-proxy-v2" : ""
                let tls = encryptsServers && route.mayBeSecure ? " ssl verify none" : ""
                let check = route == .checked ? Self.check(&random) : ""
                let proto = multiplexed.contains(route) ? " proto h2" : ""
                say("server s\(number + 1) 127.0.0.1:\(port)\(pool)\(limits)\(header)\(check)\(tls)\(proto)")
            }
        }
        lines += "\nresolvers dns\n"
        say("nameserver one 127.0.0.1:53")
        say("timeout retry \(random.number(1...1_000))ms")
        say("hold valid \(random.number(0...1_000))ms")
        return lines + "\nbackend files\n    mode http\n    files \(folder)/site\n    files-strip-prefix /files\n"
    }

    /// Lines of `global` about HTTP/2.
    private static func multiplexing(hasFaults: Bool, _ random: inout SeededRandom) -> String {
        var lines = ""
        func say(_ line: String, oneIn n: Int) {
            if random.oneIn(n) { lines += "    tune.h2.\(line)\n" }
        }
        say("fe.max-concurrent-streams \(random.number(1...20))", oneIn: 3)
        say("be.max-concurrent-streams \(random.number(1...20))", oneIn: 3)
        say("initial-window-size \(random.number(1_000...200_000))", oneIn: 3)
        say("fe.rxbuf \(random.number(1...200_000))", oneIn: 4)
        say("header-table-size 65536", oneIn: 4)
        say("fe.max-total-streams \(random.number(1...40))", oneIn: 5)
        guard hasFaults else { return lines }
        say("fe.glitches-threshold \(random.number(2...50))", oneIn: 6)
        say("fe.max-rst-at-once \(random.number(1...20))", oneIn: 6)
        say("fe.max-frames-at-once \(random.number(1...20))", oneIn: 6)
        return lines
    }

    /// Rules on what servers send, for which a connection in TCP mode waits, and by which some lose their server.
    private static func rulesOnResponses(hasFaults: Bool, _ random: inout SeededRandom) -> [String] {
        var lines = ["tcp-response inspect-delay \(random.number(1...200))ms"]
        // What is closed in the middle is a loss for peers that behave.
        if hasFaults { lines.append("tcp-response content close if { src_port,mod(3) 0 } WAIT_END") }
        if random.oneIn(2) { lines.append("tcp-response content accept if WAIT_END") }
        return lines
    }

    /// How much a server takes at a time.
    private static func limits(_ random: inout SeededRandom) -> String {
        var words = " maxconn \(random.number(1...4))"
        if random.oneIn(3) { words += " minconn 1" }
        if random.oneIn(3) { words += " maxqueue \(random.number(1...3))" }
        return words
    }

    /// How often a server's health is checked, and how many checks count.
    private static func check(_ random: inout SeededRandom) -> String {
        " check inter \(random.number(200...5_000))ms fall \(random.number(1...3)) rise \(random.number(1...3))"
    }

    private static func words(of route: Route, _ folder: String, _ random: inout SeededRandom) -> [String] {
        let spill = "spill \(folder) 1m"
        switch route {
        case .held: return ["response-buffer \(random.number(1...60_000))"]
        case .taken: return ["request-buffer 300000"]
        case .spilled: return ["request-buffer \(random.number(1...20_000)) \(spill)", "response-buffer 1000 \(spill)"]
        case .awaited: return ["option http-buffer-request", "http-request pause \(random.number(1...500))ms"]
        case .closing: return ["option httpclose", "http-response pause \(random.number(1...500))ms"]
        case .serverclosing: return ["option http-server-close", "http-response wait-for-body time 600s at-least 100"]
        case .limited: return ["fullconn \(random.number(1...10))"]
        case .retried:
            let failures = ["all-retryable-errors 404", "empty-response 500", "junk-response response-timeout 408"]
            return ["retry-on \(failures.randomElement(using: &random) ?? "")"]
        case .resolved:
            return [
                "tcp-request content do-resolve(txn.a,dns) path,djb2,mod(5)",
                "http-request do-resolve(txn.b,dns,ipv4) path,djb2,mod(7)",
                "http-request set-dst var(txn.b)",
            ]
        case .checked: return [random.oneIn(3) ? "timeout check 300ms" : "option httpchk"]
        case .fresh: return ["http-reuse never"]
        case .announced: return ["http-reuse \(random.oneIn(2) ? "always" : "safe")"]
        case .shared: return ["http-reuse \(random.oneIn(2) ? "always" : "aggressive")"]
        default: return []
        }
    }
}
