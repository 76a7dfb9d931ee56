// Every row of this module's tables: lines that it accepts, with their result, and lines that it rejects, with the message.

import BalancingTesting
import Basics
import Configuration
import ProxyProtocol
import TLS
import Testing

@testable import Balancing

@Suite struct KeywordTests {
    /// A row's name, the accepted lines with the settings they produce, and the rejected lines with their messages.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let accepted: [(line: String, sets: @Sendable (BalancingSettings) -> Bool)]
        let refused: [(line: String, complaint: String)]
        var testDescription: String { name }
    }

    private static let algorithms = BalancingAlgorithms.all.flatMap { $0.words }.joined(separator: ", ")

    static let keywords: [Row] = [
        Row(
            name: "balance",
            accepted: [
                ("balance roundrobin", { $0.algorithm.name == "roundrobin" }),
                ("balance static-rr", { $0.algorithm.name == "static-rr" }),
                ("balance leastconn", { $0.algorithm.name == "leastconn" }),
                ("balance source", { $0.algorithm.name == "source" }),
                (
                    "balance uri len 3 depth 2 whole path-only",
                    { $0.algorithm.name == "uri" && $0.algorithm.needs.head }
                ),
                ("balance url_param id", { $0.algorithm.needs.head && !$0.algorithm.needs.body }),
                ("balance url_param id check_post 64", { $0.algorithm.needs.body }),
                ("balance hdr(Host) use_domain_only", { $0.algorithm.name == "hdr" && $0.algorithm.needs.head }),
                ("balance rdp-cookie", { $0.algorithm.needs.expression?.text == "req.rdp_cookie(mstshash)" }),
                ("balance hash src,ipmask(24)", { $0.algorithm.needs.expression?.text == "src,ipmask(24)" }),
                ("balance first", { $0.algorithm.name == "first" }),
                ("balance random", { $0.algorithm.name == "random" }), ("balance random()", { _ in true }),
                ("balance random(3)", { $0.algorithm.name == "random" }),
                ("balance p2c", { $0.algorithm.name == "p2c" }),
                ("balance ewma", { $0.algorithm.name == "ewma" && $0.algorithm.needs.latencies }),
            ],
            refused: [
                ("balance leastcon", "2:13 unknown algorithm 'leastcon'; one of \(algorithms); leastconn?"),
                ("balance", "2:12 'balance' lacks an argument; one of \(algorithms)"),
                (
                    "balance roundrobin twice",
                    "2:24 unexpected 'twice' in the line of 'balance'; balance <algorithm> [<argument>...]"
                ),
                ("balance uri len 0", "2:21 0 is out of range; a number of bytes from 1 to 2147483647"),
                ("balance uri depth", "2:22 'balance' lacks an argument; a number of slashes"),
                (
                    "balance uri hole",
                    "2:17 unexpected 'hole' after 'balance uri'; len, depth, whole or path-only; whole?"
                ),
                ("balance url_param", "2:22 'balance' lacks an argument; a parameter's name"),
                ("balance hdr", "2:5 'hdr' lacks the name of a field; hdr(<name>), without a blank"),
                ("balance hdr(Host", "2:13 '(' is not closed; ')' at the end of the word"),
                ("balance hash", "2:17 'balance' lacks an argument; an expression"),
                ("balance random(0)", "2:20 0 is out of range; a number of draws from 1 to 100"),
                (
                    "balance sticky",
                    "2:13 'sticky' is known to HAProxy, but Portico does not do it yet; one of \(algorithms)"
                ),
            ]),
        Row(
            name: "hash-type",
            accepted: [
                ("balance source", { $0.hashing == HashSettings() }),
                ("hash-type map-based", { $0.hashing.method == .map && !$0.hashing.avalanches }),
                ("hash-type consistent", { $0.hashing.method == .ring && $0.hashing.avalanches }),
                ("hash-type consistent sdbm", { $0.hashing.function == .sdbm && !$0.hashing.avalanches }),
                ("hash-type map-based crc32 avalanche", { $0.hashing.function == .crc32 && $0.hashing.avalanches }),
                ("hash-type consistent none", { $0.hashing.function == .none }),
            ],
            refused: [
                (
                    "hash-type avalanche",
                    "2:15 'avalanche' is no method of 'hash-type'; hash-type map-based sdbm avalanche"
                ),
                ("hash-type map", "2:15 unknown method 'map'; one of map-based, consistent; map-based?"),
                ("hash-type map-based md5", "2:25 unknown function 'md5'; one of sdbm, djb2, wt6, crc32, none"),
                (
                    "hash-type map-based sdbm mixed",
                    "2:30 unexpected 'mixed' in the line of 'hash-type'; hash-type <method> [<function> [avalanche]]"
                ),
            ]),
        Row(
            name: "hash-balance-factor",
            accepted: [
                ("hash-balance-factor 125", { $0.hashing.balanceFactor == 125 }),
                ("hash-balance-factor 0", { $0.hashing.balanceFactor == nil }),
            ],
            refused: [
                (
                    "hash-balance-factor 100",
                    "2:25 a server cannot be kept at 100 % of the average; 0, or more than 100"
                )
            ]),
        Row(
            name: "hash-preserve-affinity",
            accepted: [
                ("hash-preserve-affinity always", { $0.hashing.affinity == .always }),
                ("hash-preserve-affinity maxconn", { $0.hashing.affinity == .untilFull }),
                ("hash-preserve-affinity maxqueue", { $0.hashing.affinity == .untilQueueIsFull }),
            ],
            refused: [
                ("hash-preserve-affinity max", "2:28 unknown word 'max'; one of always, maxconn, maxqueue")
            ]),
        Row(
            name: "server",
            accepted: [
                (
                    "server web 10.0.0.1:80",
                    { $0.servers.map(\.address) == [.endpoint(.ip(.v4(0x0A00_0001)), ports: 80...80)] }
                ),
                (
                    "server web app.local:80",
                    { $0.servers[0].address == .endpoint(.name("app.local"), ports: 80...80) }
                ),
                ("server web /run/web.sock", { $0.servers[0].address == .path("/run/web.sock") }),
                ("server web abns@web", { $0.servers[0].address == .abstract("web") }),
                (
                    "server web *",
                    { $0.servers[0].address == .endpoint(.any, ports: nil) && $0.servers[0].portOffset == 0 }
                ),
                ("server web 0.0.0.0:0", { $0.servers[0].portOffset == 0 }),
                ("server web 10.0.0.1:+1000", { $0.servers[0].portOffset == 1_000 }),
                ("server web fe80::1:-1", { $0.servers[0].portOffset == -1 }),
                ("server web 10.0.0.1:80", { $0.servers[0].portOffset == nil }),
                ("server web 10.0.0.1 check port 80", { $0.servers[0].portOffset == 0 }),
                (
                    "server web 10.0.0.1:80",
                    { $0.servers[0].proxyHeader == nil && $0.servers[0].checkProxyHeader == nil }
                ),
                ("server web 10.0.0.1:80 send-proxy-v2 send-proxy", { $0.servers[0].proxyHeader == .two }),
                ("server web 10.0.0.1:80 send-proxy-v2", { $0.servers[0].checkProxyHeader == .two }),
                ("server web 10.0.0.1:80 send-proxy port 81", { $0.servers[0].checkProxyHeader == nil }),
                ("server web 10.0.0.1:80 send-proxy addr 10.0.0.2", { $0.servers[0].checkProxyHeader == nil }),
                (
                    "server web 10.0.0.1:80 send-proxy-v2 port 81 check-send-proxy",
                    { $0.servers[0].checkProxyHeader == .two }
                ),
            ],
            refused: [
                ("server", "2:11 'server' lacks an argument; a server name"),
                ("server web", "2:15 'server' lacks an argument; an address"),
                ("server 10.0.0.1:80", "2:12 a server line begins with a name; server <name> 10.0.0.1:80"),
                (
                    "server /run/web.sock check",
                    "2:12 a server line begins with a name; server <name> /run/web.sock"
                ),
                (
                    "server web http://10.0.0.1",
                    "2:16 an address has no 'http://' before it; <address>:<port>; 10.0.0.1:80?"
                ),
                ("server web 10.0.0.1:80 interval 2s", "2:28 unknown parameter 'interval' of 'server'; inter?"),
                ("server web check", "2:16 'check' is no address; an address before the parameters"),
                ("server web 10.0.0.1:+", "2:16 '+' cannot be added to a port; a number from -65535 to +65535"),
                (
                    "server web 10.0.0.1:-65536",
                    "2:16 '-65536' cannot be added to a port; a number from -65535 to +65535"
                ),
                (
                    "server web 10.0.0.1 check",
                    "2:16 the check of 'web' has no port, since the server takes the client's; port <port> beside check"
                ),
                ("server web 10.0.0.1:80-81", "2:16 a server has one port, not a range"),
                ("server web fd@3", "2:16 a server cannot be an inherited descriptor"),
                ("server web 10.0.0.1:80 chekc", "2:28 unknown parameter 'chekc' of 'server'; check?"),
                (
                    "server web 10.0.0.1:80\n    server web 10.0.0.2:80",
                    "3:12 there is a server 'web' already, at line 2; a name that no other server of this backend has"
                ),
            ]),
        Row(
            name: "server-template",
            accepted: [
                (
                    "server-template web 3 app.local:80 weight 5 id 10",
                    {
                        $0.servers.map(\.name.text) == ["web1", "web2", "web3"] && $0.servers.map(\.id) == [10, 11, 12]
                            && $0.servers.allSatisfy { $0.weight == 5 && $0.serviceName == nil }
                    }
                ),
                ("server-template web- 0-1 10.0.0.1:80", { $0.servers.map(\.name.text) == ["web-0", "web-1"] }),
                (
                    "server-template web 1 _http._tcp.app.local resolvers dns check",
                    { $0.servers[0].serviceName == "_http._tcp.app.local" && $0.servers[0].portOffset == nil }
                ),
                (
                    "server web _http._tcp.app.local:80 resolvers dns",
                    { $0.servers[0].serviceName == "_http._tcp.app.local" }
                ),
            ],
            refused: [
                ("server-template", "2:20 'server-template' lacks an argument; a prefix"),
                ("server-template web 0 a:80", "2:25 '0' is not a number of servers; 1 to 10000, or a range like 1-3"),
                (
                    "server-template web 0-9223372036854775807 a:80",
                    "2:25 '0-9223372036854775807' is not a number of servers; 1 to 10000, or a range like 1-3"
                ),
                (
                    "server-template web 3-1 a:80",
                    "2:25 '3-1' is not a number of servers; 1 to 10000, or a range like 1-3"
                ),
                (
                    "server-template web 2 _http._tcp.app.local",
                    "2:27 '_http._tcp.app.local' is a name of SRV records, for which nobody is asked; resolvers <section> on the same line"
                ),
                (
                    "server-template web 2 a:80 id 2147483647",
                    "2:21 the servers' numbers from 2147483647 on exceed 2147483647"
                ),
                ("server-template web 2 a:80 guid x", "2:37 a 'guid' is one server's alone"),
                (
                    "server-template web 2 a:80\n    server web2 10.0.0.1:80",
                    "3:12 there is a server 'web2' already, at line 2; a name that no other server of this backend has"
                ),
            ]),
        Row(
            name: "source",
            accepted: [
                ("source 10.0.0.8", { $0.source?.address == .v4(0x0A00_0008) && $0.source?.ports == nil })
            ],
            refused: [
                ("source", "2:11 'source' lacks an argument; an address"),
                ("source /run/x", "2:12 connections to servers come from an IP address, not from '/run/x'"),
                ("source * usesrc hdr_ip()", "2:21 no field is named; hdr_ip(<field>[,<number>])"),
                (
                    "source * usesrc *",
                    "2:21 '*' is no address that a server could see; client, clientip, hdr_ip(<field>), or an address"
                ),
            ]),
        Row(
            name: "default-server",
            accepted: [
                (
                    "server before 10.0.0.1:80\n default-server check weight 7\n server after 10.0.0.1:80 weight 8",
                    { $0.servers.map(\.isChecked) == [false, true] && $0.servers.map(\.weight) == [1, 8] }
                )
            ],
            refused: [
                ("default-server wieght 7", "2:20 unknown parameter 'wieght' of 'server'; weight?")
            ]),
        Row(
            name: "fullconn",
            accepted: [("fullconn 1000", { $0.loadAtFull == 1_000 })],
            refused: [("fullconn -1", "2:14 -1 is out of range; a number from 0 to 10000000")]),
        Row(
            name: "option allbackups",
            accepted: [
                ("option allbackups", { $0.usesAllBackups }),
                ("option allbackups\n no option allbackups", { !$0.usesAllBackups }),
            ],
            refused: [
                (
                    "option allbackups please",
                    "2:23 unexpected 'please' in the line of 'option allbackups'; option allbackups"
                )
            ]),
        Row(
            name: "option httpchk",
            accepted: [
                ("option httpchk", { $0.checksWithHTTP && $0.checkScript.request?.method == nil }),
                ("option httpchk /health", { $0.askedAs?.method == nil && $0.askedAs?.target == "/health" }),
                ("option httpchk OPTIONS *", { $0.askedAs?.method == "OPTIONS" && $0.askedAs?.target == "*" }),
                (
                    "option httpchk HEAD /health HTTP/1.0",
                    {
                        $0.askedAs?.method == "HEAD" && $0.askedAs?.version == "HTTP/1.0"
                            && $0.askedAs?.headers == []
                    }
                ),
                (
                    #"option httpchk GET / HTTP/1.1\r\nHost:\ example.org\r\nX-A:\ b"#,
                    {
                        $0.askedAs?.version == "HTTP/1.1"
                            && $0.askedAs?.headers == ["Host: example.org", "X-A: b"]
                    }
                ),
                ("option httpchk GET /\n no option httpchk", { !$0.checksWithHTTP }),
                (
                    "http-check send uri /first\n option httpchk",
                    { $0.checksWithHTTP && $0.askedAs?.target == "/first" }
                ),
            ],
            refused: [
                ("option httpchk health", "2:20 a check's URI begins with '/'"),
                ("option httpchk GET health", "2:24 a check's URI begins with '/'"),
            ]),
        Row(
            name: "http-check send",
            accepted: [
                (
                    "http-check send meth PUT uri /x ver HTTP/1.0 hdr A b hdr C \"d e\" body text",
                    {
                        guard let check = $0.askedAs else { return false }
                        return (check.method, check.target, check.version, check.body) == (
                            "PUT", "/x", "HTTP/1.0", "text"
                        )
                            && check.headers == ["A: b", "C: d e"]
                    }
                ),
                ("option httpchk\n http-check send uri /later", { $0.askedAs?.target == "/later" }),
            ],
            refused: [
                (
                    "http-check send url /x",
                    "2:21 unknown part 'url' of a check's request; meth, uri, uri-lf, ver, hdr, body, body-lf, comment; uri?"
                ),
                ("http-check send uri health", "2:25 a check's URI begins with '/'"),
                ("http-check send hdr Host", "2:29 'http-check send' lacks an argument; a header value"),
            ]),
        Row(
            name: "http-check connect",
            accepted: [
                ("http-check connect", { $0.httpCheck.script.connections.first?.isImplied == false }),
                (
                    "http-check connect default ssl sni a.example alpn http/1.1 port 81 proto h1 linger comment x",
                    { settings in
                        let connection = settings.httpCheck.script.connections.first
                        return connection?.takesServersOptions == true && connection?.isSecure == true
                            && connection?.usesProxy == false
                            && connection?.requestedName == "a.example" && connection?.port == 81
                            && connection?.protocolWord?.choice == .http1
                    }
                ),
                (
                    "http-check connect via-socks4",
                    { $0.httpCheck.script.connections.first?.usesProxy == true }
                ),
            ],
            refused: [
                (
                    "http-check connect defaults",
                    "2:24 unknown part 'defaults' of a check's connection; default, port, addr, send-proxy, via-socks4, ssl, sni, "
                        + "alpn, linger, comment, proto; default?"
                ),
                (
                    "http-check connect proto none",
                    "2:30 'proto none' passes bytes on, and a check with a request reads them as HTTP; proto h1 or proto h2"
                ),
                (
                    "http-check expect status 200\n    http-check connect",
                    "3:5 a script that has 'connect' begins with it"
                ),
            ]),
        Row(
            name: "http-check expect",
            accepted: [
                ("http-check expect status 200", { $0.httpCheck.script.statuses == [200...200] }),
                (
                    "http-check expect status 200-299,404",
                    { $0.httpCheck.script.statuses == [200...299, 404...404] }
                ),
                ("http-check expect status 100-999", { $0.httpCheck.script.statuses == [100...999] }),
            ],
            refused: [
                (
                    "http-check expect binary 00",
                    "2:23 unknown word 'binary' in what is expected; status, rstatus, hdr, fhdr, string, rstring, string-lf, "
                        + "min-recv, ok-status, error-status, tout-status, on-success, on-error, status-code, comment"
                ),
                ("http-check expect string a string b", "2:32 a line expects one thing"),
                (
                    "http-check expect hdr name -m reg ^a value-lf -m reg b",
                    "2:54 a log format makes no regular expression; str, beg, end or sub"
                ),
                ("http-check expect status", "2:29 'http-check expect' lacks an argument; a status"),
            ]
                + ["99", "1000", "ok", "+200", "-200", "200-", "299-200", "200-250-299", ""].map { part in
                    (
                        "http-check expect status 204,\(part)",
                        "2:30 '\(part)' is not a status; 100 to 999, or a range"
                    )
                }),
        Row(
            name: "option tcp-check",
            accepted: [
                ("option httpchk\n option tcp-check", { !$0.checksWithHTTP }),
                ("option httpchk\n no option tcp-check", { $0.checksWithHTTP }),
            ],
            refused: [
                (
                    "option tcp-check connect",
                    "2:22 unexpected 'connect' in the line of 'option tcp-check'; option tcp-check"
                )
            ]),
        Row(
            name: "timeout check",
            accepted: [
                ("timeout check 5s", { $0.checkTimeout == .seconds(5) }),
                ("timeout check 300", { $0.checkTimeout == .milliseconds(300) }),
                ("timeout check 0", { $0.checkTimeout == nil }),
            ],
            refused: [
                (
                    "timeout check soon",
                    "2:19 'soon' is not a time; a time: a whole number followed by us, ms, s, m, h or d, or by "
                        + "nothing for milliseconds"
                )
            ]),
    ]

    static let parameters: [Row] = [
        parameter("check", sets: { $0.isChecked }),
        parameter("no-check", after: "check", sets: { !$0.isChecked }),
        parameter(
            "inter", "500", sets: { $0.interval == .milliseconds(500) },
            refused: ("inter 0", "2:26 a check interval is at least 1 ms"),
            ("inter", "2:31 'inter' lacks an argument; a time")),
        parameter(
            "fastinter", "1s", sets: { $0.fastInterval == .seconds(1) },
            refused: ("fastinter 0", "2:26 a check interval is at least 1 ms")),
        parameter(
            "downinter", "1m", sets: { $0.downInterval == .seconds(60) },
            refused: ("downinter 0", "2:26 a check interval is at least 1 ms")),
        parameter(
            "rise", "5", sets: { $0.thresholds.rise == 5 && $0.thresholds.fall == 3 },
            refused: ("rise 0", "2:31 0 is out of range; a count from 1 to 1000")),
        parameter(
            "fall", "5", sets: { $0.thresholds.fall == 5 && $0.thresholds.rise == 2 },
            refused: ("fall many", "2:31 'many' is not a whole number; a count from 1 to 1000")),
        parameter(
            "weight", "256", sets: { $0.weight == 256 },
            refused: ("weight 257", "2:33 257 is out of range; a weight from 0 to 256"),
            ("weight -1", "2:33 -1 is out of range; a weight from 0 to 256")),
        parameter("backup", sets: { $0.isBackup }),
        parameter("no-backup", after: "backup", sets: { !$0.isBackup }),
        parameter("disabled", sets: { $0.isDisabled }),
        parameter("enabled", after: "disabled", sets: { !$0.isDisabled }),
        Row(
            name: "guid",
            accepted: [("server s 10.0.0.1:80 guid a.b:c-d_1", { $0.servers[0].globalID?.text == "a.b:c-d_1" })],
            refused: [
                (
                    "server s 10.0.0.1:80 guid a/b",
                    "2:31 'a/b' cannot be a unique ID; letters, digits, '.', ':', '-' and '_'"
                ),
                ("default-server guid a", "2:25 a 'guid' is one server's alone"),
            ]),
        parameter(
            "id", "7", sets: { $0.id == 7 }, refused: ("id 0", "2:29 0 is out of range; a number from 1 to 2147483647"),
            (
                "id 7\n    server t 10.0.0.2:80 id 7",
                "3:12 there is a server with id 7 already, at line 2; a number that no other server of this backend has"
            )),
        parameter(
            "hash-key", "addr-port", sets: { $0.hashKeyKind == .addressAndPort },
            refused: ("hash-key name", "2:35 unknown key 'name'; one of id, id32, guid, addr, addr-port")),
        parameter(
            "port", "8080", sets: { $0.checkPort == 8_080 },
            refused: ("port 65536", "2:31 65536 is out of range; a port from 1 to 65535")),
        parameter(
            "addr", "10.0.0.9", sets: { $0.checkAddress == .v4(0x0A00_0009) },
            refused: ("addr app.local", "2:31 'app.local' is not an IP address")),
        parameter(
            "maxconn", "30", sets: { $0.limits.maxConnections == 30 },
            refused: ("maxconn -1", "2:34 -1 is out of range; a number from 0 to 10000000")),
        parameter(
            "minconn", "5", sets: { $0.limits.minConnections == 5 },
            refused: ("minconn some", "2:34 'some' is not a whole number; a number from 0 to 10000000")),
        parameter(
            "maxqueue", "0", sets: { $0.limits.queueMax == nil },
            refused: ("maxqueue", "2:34 'maxqueue' lacks an argument; a number")),
        parameter(
            "pool-low-conn", "8", sets: { $0.pool.connectionsLow == 8 },
            refused: ("pool-low-conn -1", "2:40 -1 is out of range; a number from 0 to 1000000")),
        parameter(
            "pool-max-conn", "8", sets: { $0.pool.connectionsMax == 8 },
            refused: ("pool-max-conn -2", "2:40 -2 is out of range; a number from -1 to 1000000")),
        parameter(
            "pool-purge-delay", "2s", sets: { $0.pool.idleTime == .seconds(2) },
            refused: ("pool-purge-delay", "2:42 'pool-purge-delay' lacks an argument; a time")),
        parameter(
            "max-reuse", "0", sets: { $0.pool.reusesMax == 0 },
            refused: ("max-reuse -2", "2:36 -2 is out of range; a count from -1 to 1000000000")),
        parameter("send-proxy", sets: { $0.proxyHeader == .one && $0.checkProxyHeader == .one }),
        parameter("send-proxy-v2", after: "send-proxy", sets: { $0.proxyHeader == .two }),
        parameter(
            "send-proxy-v2-ssl", sets: { $0.proxyHeader == .two && $0.proxyOptions == .tls }),
        parameter(
            "send-proxy-v2-ssl-cn", sets: { $0.proxyHeader == .two && $0.proxyOptions == [.tls, .commonName] }),
        parameter(
            "no-send-proxy-v2-ssl", after: "send-proxy-v2-ssl",
            sets: { $0.proxyHeader == nil && $0.proxyOptions == [] }),
        parameter(
            "no-send-proxy-v2-ssl-cn", after: "send-proxy-v2-ssl-cn",
            sets: { $0.proxyHeader == nil && $0.proxyOptions == [] }),
        parameter("no-send-proxy", after: "send-proxy", sets: { $0.proxyHeader == nil }),
        parameter("no-send-proxy-v2", after: "send-proxy-v2", sets: { $0.proxyHeader == nil }),
        parameter(
            "proxy-v2-options", "unique-id,crc32c", sets: { $0.proxyOptions == [.uniqueID, .checksum] },
            refused: ("proxy-v2-options", "2:42 'proxy-v2-options' lacks an argument; options"),
            (
                "proxy-v2-options crc",
                "2:43 unknown option 'crc'; one of unique-id, authority, crc32c, ssl, cert-cn, cert-key, cert-sig, ssl-cipher; crc32c?"
            )),
        parameter(
            "check-send-proxy", after: "port 81", sets: { $0.proxyHeader == nil && $0.checkProxyHeader == .one }),
        parameter(
            "init-addr", "last,libc,127.0.0.1,none",
            sets: { $0.naming.start == [.libc, .address(.loopbackV4), .nowhere] },
            refused: ("init-addr", "2:35 'init-addr' lacks an argument; a method"),
            ("init-addr lbic", "2:36 unknown method 'lbic'; last, libc, none, or an IP address; libc?")),
        parameter(
            "cookie", "one", sets: { $0.cookie?.text == "one" },
            refused: (
                "cookie a,b",
                "2:33 'a,b' cannot be a cookie's value; printable characters without spaces, quotes, commas and semicolons"
            )),
        parameter(
            "pool-conn-name", "req.hdr(x-name)", sets: { $0.poolName?.text == "req.hdr(x-name)" },
            refused: ("pool-conn-name", "2:40 'pool-conn-name' lacks an argument; an expression")),
        parameter(
            "resolvers", "dns", sets: { $0.naming.resolvers?.text == "dns" },
            refused: ("resolvers", "2:35 'resolvers' lacks an argument; a resolvers section")),
        parameter(
            "resolve-prefer", "ipv4", sets: { $0.naming.prefersIPv4 },
            refused: ("resolve-prefer ipv5", "2:41 unknown family 'ipv5'; one of ipv4, ipv6; ipv4?")),
        parameter(
            "resolve-net", "10.0.0.0/8,fd00::/8", sets: { $0.naming.networks.count == 2 },
            refused: (
                "resolve-net 10.0.0.0/8,10.0.0.0/33",
                "2:38 '10.0.0.0/33' is not a network; networks like 10.0.0.0/8"
            )),
        parameter(
            "resolve-opts", "prevent-dup-ip,allow-dup-ip", sets: { $0.naming.mayShareAddress },
            refused: (
                "resolve-opts allow-dup",
                "2:39 unknown option 'allow-dup' of 'resolve-opts'; some of allow-dup-ip, prevent-dup-ip, ignore-weight; allow-dup-ip?"
            )),
        parameter(
            "proto", "h2", sets: { $0.protocolWord?.choice == .http2 && $0.checkProtocolChoice == .http2 },
            refused: ("proto h3", "2:32 unknown protocol 'h3'; one of h1, h2, none; h1?"),
            ("proto fcgi", "2:32 Portico does not speak 'fcgi' yet; h1 or h2, and in mode tcp none")),
        parameter(
            "check-proto", "h1", after: "proto h2",
            sets: { $0.protocolWord?.choice == .http2 && $0.checkProtocolChoice == .http1 },
            refused: ("check-proto", "2:37 'check-proto' lacks an argument; a protocol")),
        parameter(
            "ws", "h1", sets: { $0.webSocketProtocol == .http1 },
            refused: ("ws h3", "2:29 unknown protocol 'h3'; one of auto, h1, h2; h1?")),
    ]

    /// A parameter of `server`; one without a value is rejected with one.
    static func parameter(
        _ name: String, _ value: String? = nil, after: String? = nil,
        sets: @escaping @Sendable (ServerDraft) -> Bool, refused: (String, String)...
    ) -> Row {
        let words = [after, name, value].compactMap { $0 }.joined(separator: " ")
        var refused = refused.map { (line: "server s 10.0.0.1:80 \($0)", complaint: $1) }
        if value == nil {
            refused.append(
                ("server s 10.0.0.1:80 \(name) 12", "2:\(27 + name.count) unknown parameter '12' of 'server'"))
        }
        return Row(
            name: name,
            accepted: [
                ("server s 10.0.0.1:80 \(words)", { $0.servers.count == 1 && sets($0.servers[0]) }),
                ("default-server \(words)", { sets($0.defaultServer) }),
            ], refused: refused)
    }

    @Test func `no row is without a test`() {
        #expect(
            (Self.keywords + Self.checkSteps + Self.otherChecks).map(\.name).sorted()
                == BalancingKeywords.table.map(\.name).sorted())
        // Those about TLS are in `ServerTLSTests`.
        let tls = Set(TLSKeywords.serverParameters.map(\.name))
        let own = BalancingKeywords.serverParameters.map(\.name).filter { !tls.contains($0) }
        #expect((Self.parameters + Self.agents + Self.states + Self.ways).map(\.name).sorted() == own.sorted())
    }

    @Test(arguments: keywords + checkSteps + otherChecks + parameters + agents + states + ways)
    func `a row takes what it should`(
        _ row: Row
    ) throws {
        for (line, sets) in row.accepted {
            let settings = try settings(line)
            #expect(sets(settings), "\(line)")
        }
    }

    @Test(arguments: keywords + checkSteps + otherChecks + parameters + agents + states + ways)
    func `a row refuses what it should, and says why`(
        _ row: Row
    ) {
        #expect(!row.refused.isEmpty)
        for (line, complaint) in row.refused { #expect(complaints(line) == [complaint], "\(line)") }
    }

    @Test func `the usage of each row begins with its name, and its summary is a sentence`() {
        for keyword in BalancingKeywords.table {
            #expect(keyword.usage.hasPrefix(keyword.name) && keyword.summary.hasSuffix("."))
        }
        for parameter in BalancingKeywords.serverParameters {
            #expect(parameter.usage.hasPrefix(parameter.name) && parameter.summary.hasSuffix("."))
        }
    }

    @Test func `httpchk behind a URI that http-check send got wrong is no trap`() {
        #expect(
            complaints("http-check send uri health\n    option httpchk") == ["2:25 a check's URI begins with '/'"])
    }

    @Test func `a check of another address needs a port that a socket file does not give`() throws {
        #expect(
            complaints("server s /run/s check addr 10.0.0.9")
                == ["2:14 the check of 's' has an address but no port; port <port> beside addr"])
        _ = try settings("server s /run/s check addr 10.0.0.9 port 80")
        _ = try settings("server s /run/s addr 10.0.0.9")
    }

    // MARK: From settings to servers

    @Test func `numbers are the places in the file, and go around those that are given`() throws {
        let plain = try settings("server a 10.0.0.1:80", "server b 10.0.0.1:80").backend()
        #expect(plain.servers.map(\.id) == [1, 2])
        let mixed = try settings(
            "server a 10.0.0.1:80", "server b 10.0.0.1:80 id 3", "server c 10.0.0.1:80", "server d 10.0.0.1:80 id 1"
        )
        .backend()
        #expect(mixed.servers.map(\.id) == [2, 3, 4, 1])
    }

    @Test func `names are looked up, and one without address waits in its place`() throws {
        let backend = try settings("server a here:80", "server b gone:80", "server c 10.0.0.1:80").backend {
            $0 == "here" ? [.v4(1), .v4(2)] : []
        }
        #expect(backend.servers.map(\.state.name) == [.resolved, .unresolved, .resolved])
        #expect(backend.servers.map(\.address?.description) == ["0.0.0.1:80", nil, "10.0.0.1:80"])
        #expect(backend.servers.map(\.hostName) == ["here", "gone", nil])
        #expect(backend.choices(4) == "acac")
    }

    @Test func `what a file says of a backend is what the backend does`() throws {
        let backend = try settings(
            "balance leastconn", "option allbackups", "server a 10.0.0.1:80 backup", "server b 10.0.0.1:80 backup",
            "server c 10.0.0.1:80 disabled"
        ).backend()
        #expect(backend.algorithm.name == "leastconn")
        #expect(backend.choices(4) == "abab")
        #expect(backend.servers[2].state.administrative == .maintenance)
    }

    private func complaints(_ lines: String) -> [String] {
        language.load(text: "backend app\n    \(lines)\n", named: "t.cfg").problems.map { problem in
            let place = problem.range.map { "\($0.line):\($0.column) " } ?? ""
            return place + problem.message + (problem.expected.map { "; \($0)" } ?? "")
                + (problem.suggestion.map { "; \($0)?" } ?? "")
        }
    }
}

@Suite struct ServerNameTests {
    @Test func `a server's name is taken even if the rest of its line is wrong`() {
        let loaded = language.load(
            text: "backend app\n    server web 10.0.0.1:80 chekc\n    server web 10.0.0.2:80\n", named: "t.cfg")
        #expect(
            loaded.problems.map(\.message) == [
                "unknown parameter 'chekc' of 'server'", "there is a server 'web' already, at line 2",
            ])
    }

    @Test func `variables in a server's addresses stand for their values, outside of quotes too`() throws {
        let text = """
            backend app
                server a $HOST:80
                server b ${HOST}:${PORT} check addr ${HOST}
                server c "$HOST:81"
                server d $NONE:80
                server e a$:80
            """
        let loaded = language.load(text: text, named: "t.cfg", environment: ["HOST": "10.0.0.9", "PORT": "8080"])
        let servers = try #require(loaded.proxies.first)[BalancingSettings.self].servers
        #expect(servers.map(\.addressWord.text) == ["10.0.0.9:80", "10.0.0.9:8080", "10.0.0.9:81", ":80"])
        #expect(servers[1].checkAddress == .v4(0x0A00_0009))
        #expect(
            loaded.problems.map(\.message) == [
                "the variable 'NONE' is not set: it expands to nothing", "'a$' is not an address or a host name",
            ])
    }
}

extension BalancingSettings {
    /// The first request of the lines about HTTP.
    fileprivate var askedAs: HTTPCheck? { httpCheck.script.request }
}
