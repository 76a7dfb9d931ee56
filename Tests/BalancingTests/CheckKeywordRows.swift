// The rows of check scripts and of other protocols' checks, as in `KeywordTests`.

import BalancingTesting
import Basics
import Configuration

@testable import Balancing

extension KeywordTests {
    static let checkSteps: [Row] =
        connections + variables("tcp-check") + variables("http-check") + protocols

    private static let connections: [Row] = [
        Row(
            name: "tcp-check connect",
            accepted: [
                (
                    "option tcp-check\n tcp-check connect addr 10.0.0.9:81 ssl linger",
                    {
                        let connection = $0.checkScript.connections[0]
                        return connection.port == 81 && connection.isSecure && connection.lingers
                    }
                ),
                (
                    "option tcp-check\n tcp-check connect port int(81)",
                    { $0.checkScript.connections[0].portExpression != nil }
                ),
            ],
            refused: [
                (
                    "tcp-check connect proto h2",
                    "2:23 unknown part 'proto' of a check's connection; default, port, addr, send-proxy, via-socks4, ssl, sni, "
                        + "alpn, linger, comment"
                ),
                ("tcp-check send a\n    tcp-check connect", "3:5 a script that has 'connect' begins with it"),
                ("tcp-check connect port 65536", "2:28 65536 is out of range; a port from 1 to 65535"),
            ]),
        Row(
            name: "tcp-check expect",
            accepted: [
                ("option tcp-check\n tcp-check expect min-recv -1 ! binary 0aFF", { $0.checkScript.expects })
            ],
            refused: [
                ("tcp-check expect binary 0a1", "2:29 '0a1' does not stand for bytes; pairs of hexadecimal digits"),
                (
                    "tcp-check expect rstring (",
                    "2:31 the regular expression does not compile: missing closing parenthesis"
                ),
                (
                    "tcp-check expect ok-status L7STS string a",
                    "2:32 unknown code 'L7STS'; one of L7OK, L7OKC, L6OK, L4OK"
                ),
            ]),
        Row(
            name: "tcp-check comment", accepted: [("tcp-check comment 'why'", { $0.tcpCheck.steps.isEmpty })],
            refused: [("tcp-check comment", "2:22 'tcp-check comment' lacks an argument; a text")]),
        Row(
            name: "tcp-check send",
            accepted: [("tcp-check send a comment b", { $0.tcpCheck.steps[0].comment == "b" })],
            refused: [("tcp-check send", "2:19 'tcp-check send' lacks an argument; what to send")]),
        Row(
            name: "tcp-check send-lf",
            accepted: [("tcp-check send-lf %[be_name]", { $0.tcpCheck.steps.count == 1 })],
            refused: [("tcp-check send-lf", "2:22 'tcp-check send-lf' lacks an argument; what to send")]),
        Row(
            name: "tcp-check send-binary",
            accepted: [("tcp-check send-binary 00", { $0.tcpCheck.steps.count == 1 })],
            refused: [("tcp-check send-binary 0", "2:27 '0' does not stand for bytes; pairs of hexadecimal digits")]
        ),
        Row(
            name: "tcp-check send-binary-lf",
            accepted: [("tcp-check send-binary-lf 0%[int(1)]", { $0.tcpCheck.steps.count == 1 })],
            refused: [
                ("tcp-check send-binary-lf", "2:29 'tcp-check send-binary-lf' lacks an argument; what to send")
            ]),
    ]

    private static let protocols: [Row] = [
        Row(
            name: "http-check comment",
            accepted: [("http-check comment 'why'", { $0.httpCheck.lines.steps.isEmpty })],
            refused: [("http-check comment", "2:23 'http-check comment' lacks an argument; a text")]),
        Row(
            name: "http-check send-state",
            accepted: [("http-check send-state", { $0.httpCheck.script.sendsState })],
            refused: [
                (
                    "http-check send-state a",
                    "2:27 unexpected 'a' in the line of 'http-check send-state'; http-check send-state"
                )
            ]),
        Row(
            name: "http-check disable-on-404",
            accepted: [("http-check disable-on-404", { $0.httpCheck.script.drainsOnNotFound })],
            refused: [
                (
                    "http-check disable-on-404 a",
                    "2:31 unexpected 'a' in the line of 'http-check disable-on-404'; http-check disable-on-404"
                )
            ]),
        Row(
            name: "option ssl-hello-chk",
            accepted: [
                ("option ssl-hello-chk", { $0.checkScript.expects }),
                ("option ssl-hello-chk\n no option ssl-hello-chk", { !$0.checkScript.expects }),
            ],
            refused: [
                (
                    "option ssl-hello-chk a",
                    "2:26 unexpected 'a' in the line of 'option ssl-hello-chk'; option ssl-hello-chk"
                )
            ]),
        Row(
            name: "option redis-check", accepted: [("option redis-check", { $0.checkScript.expects })],
            refused: [
                (
                    "option redis-check a",
                    "2:24 unexpected 'a' in the line of 'option redis-check'; option redis-check"
                )
            ]),
        Row(
            name: "option ldap-check", accepted: [("option ldap-check", { $0.checkScript.expects })],
            refused: [
                ("option ldap-check a", "2:23 unexpected 'a' in the line of 'option ldap-check'; option ldap-check")
            ]),
        Row(
            name: "option smtpchk", accepted: [("option smtpchk HELO a.example", { $0.checkScript.expects })],
            refused: [("option smtpchk EHLO", "2:24 'option smtpchk' lacks an argument; a domain")]),
        Row(
            name: "option mysql-check",
            accepted: [("option mysql-check user a post-80", { $0.checkScript.expects })],
            refused: [("option mysql-check user", "2:28 'option mysql-check' lacks an argument; a user's name")]),
        Row(
            name: "option pgsql-check", accepted: [("option pgsql-check user a", { $0.checkScript.expects })],
            refused: [("option pgsql-check", "2:23 'option pgsql-check' lacks an argument; user")]),
    ]

    private static func variables(_ family: String) -> [Row] {
        let column = family.count + 6
        return [
            Row(
                name: "\(family) set-var", accepted: [("\(family) set-var(check.a,ifnotset) int(1)", { _ in true })],
                refused: [
                    (
                        "\(family) set-var(txn.a) int(1)",
                        "2:\(column + 8) 'txn.a' cannot be set in lines about health checks; a variable that lasts longer: proc or sess or check"
                    )
                ]),
            Row(
                name: "\(family) set-var-fmt", accepted: [("\(family) set-var-fmt(sess.a) %[int(1)]", { _ in true })],
                refused: [
                    (
                        "\(family) set-var-fmt(sess.a)",
                        "2:\(column + 19) '\(family) set-var-fmt' lacks an argument; a log format"
                    )
                ]),
            Row(
                name: "\(family) unset-var", accepted: [("\(family) unset-var(proc.a)", { _ in true })],
                refused: [
                    (
                        "\(family) unset-var(a)",
                        "2:\(column + 10) 'a' names no variable: its scope is missing; proc, sess, txn, req or res, a dot and a name, like txn.user; txn.a?"
                    )
                ]),
        ]
    }

    static let agents: [Row] = [
        Row(
            name: "healthcheck",
            accepted: [("default-server healthcheck a", { $0.defaultServer.checkSection?.name == "a" })],
            refused: [
                (
                    "server s 10.0.0.1:80 healthcheck",
                    "2:37 'healthcheck' lacks an argument; the name of a healthcheck section"
                )
            ]),
        Row(
            name: "agent-check",
            accepted: [
                (
                    "server s 10.0.0.1:80 agent-check agent-port 81",
                    { $0.servers[0].agent.isAsked && $0.servers[0].agent.port == 81 }
                ),
                ("default-server agent-check", { $0.defaultServer.agent.isAsked }),
            ],
            refused: [
                ("server s 10.0.0.1:80 agent-check", "2:12 the agent of 's' has no port; agent-port <port>")
            ]),
        Row(
            name: "no-agent-check",
            accepted: [
                ("server s 10.0.0.1:80 agent-check no-agent-check", { !$0.servers[0].agent.isAsked })
            ],
            refused: [
                ("server s 10.0.0.1:80 no-agent-check 1", "2:41 unknown parameter '1' of 'server'")
            ]),
        Row(
            name: "agent-port", accepted: [("default-server agent-port 81", { $0.defaultServer.agent.port == 81 })],
            refused: [("server s 10.0.0.1:80 agent-port 0", "2:37 0 is out of range; a port from 1 to 65535")]),
        Row(
            name: "agent-addr",
            accepted: [
                ("default-server agent-addr 10.0.0.9", { $0.defaultServer.agent.host?.text == "10.0.0.9" }),
                ("default-server agent-addr app.local", { $0.defaultServer.agent.host?.text == "app.local" }),
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 agent-addr 10.0.0.9:81",
                    "2:37 '10.0.0.9:81' is no address; an IP address or a name"
                )
            ]),
        Row(
            name: "agent-inter",
            accepted: [("default-server agent-inter 500", { $0.defaultServer.agent.interval == .milliseconds(500) })],
            refused: [("server s 10.0.0.1:80 agent-inter 0", "2:26 a check interval is at least 1 ms")]),
        Row(
            name: "agent-send",
            accepted: [("default-server agent-send how", { $0.defaultServer.agent.question == Array("how".utf8) })],
            refused: [("server s 10.0.0.1:80 agent-send", "2:36 'agent-send' lacks an argument; what to send")]),
    ]

    static let otherChecks: [Row] = [
        Row(
            name: "type",
            accepted: [],
            refused: [("type httpchk", "2:5 'type' is not allowed in a backend, only in healthcheck")]),
        Row(
            name: "option check-passive",
            accepted: [
                ("option check-passive", { $0.checksArePassive }),
                ("option check-passive\n no option check-passive", { !$0.checksArePassive }),
            ],
            refused: [
                (
                    "option check-passive a",
                    "2:26 unexpected 'a' in the line of 'option check-passive'; option check-passive"
                )
            ]),
        Row(
            name: "option grpc-check",
            accepted: [
                ("option grpc-check a.B", { $0.checkScript.isHTTP && $0.checkScript.request?.method == "POST" }),
                ("option grpc-check\n no option grpc-check", { !$0.checkScript.isHTTP }),
            ],
            refused: [
                (
                    "option grpc-check \(String(repeating: "x", count: 126))",
                    "2:23 a service's name has at most 125 bytes"
                )
            ]),
        Row(
            name: "option external-check",
            accepted: [
                ("option external-check", { $0.externalCheck != nil }),
                ("option external-check\n no option external-check", { $0.externalCheck == nil }),
                ("option external-check\n option httpchk", { $0.externalCheck == nil }),
            ],
            refused: [
                (
                    "option external-check a",
                    "2:27 unexpected 'a' in the line of 'option external-check'; option external-check"
                )
            ]),
        Row(
            name: "external-check command",
            accepted: [("external-check command /bin/true", { $0.externalProgram == "/bin/true" })],
            refused: [("external-check command", "2:27 'external-check command' lacks an argument; a program")]),
        Row(
            name: "external-check path",
            accepted: [("external-check path /bin", { $0.externalPath == "/bin" })],
            refused: [
                ("external-check path", "2:24 'external-check path' lacks an argument; folders with colons between")
            ]),
        Row(
            name: "external-check", accepted: [],
            refused: [
                ("external-check", "2:5 'external-check' is not allowed in a backend, only in global")
            ]),
        Row(
            name: "spread-checks", accepted: [],
            refused: [("spread-checks 5", "2:5 'spread-checks' is not allowed in a backend, only in global")]),
        Row(
            name: "max-spread-checks", accepted: [],
            refused: [
                ("max-spread-checks 5s", "2:5 'max-spread-checks' is not allowed in a backend, only in global")
            ]),
    ]
}
