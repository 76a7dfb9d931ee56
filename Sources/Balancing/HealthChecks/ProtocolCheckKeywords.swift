// Checks that are fixed dialogues of other protocols. Each is a script whose answers `CheckReply` reads.

internal import Basics
internal import Configuration

enum ProtocolCheckKeywords {
    static let table: [Keyword] = [
        plain(
            "option ssl-hello-chk",
            "Checks servers with the first message of a TLS client; a server of TLS answers it, be it with an alert. "
                + "`check-ssl` goes further: it completes the handshake.", tlsHello),
        plain("option redis-check", "Checks servers of Redis with PING, which they answer with +PONG.", redis),
        plain(
            "option ldap-check", "Checks servers of LDAPv3 with an anonymous bind, which has to succeed.", ldap),
        Keyword(
            "option smtpchk", in: .backends, usage: "option smtpchk [HELO|EHLO <domain>]",
            summary:
                "Checks servers of SMTP: they greet, answer HELO (with localhost, or as said) with 2xx, and so QUIT.",
            negatable: true, parse: parseSMTP),
        Keyword(
            "option mysql-check", in: .backends, usage: "option mysql-check [user <name> [post-41|pre-41|post-80]]",
            summary:
                "Checks servers of MySQL by their greeting and, with a user who has no password, by a login. post-41 is the default; "
                + "pre-41 is for clients before MySQL 4.1, post-80 names mysql_native_password.",
            negatable: true, parse: parseMySQL),
        Keyword(
            "option grpc-check", in: .backends, usage: "option grpc-check [<service>]",
            summary:
                "Checks servers of gRPC by its health checking protocol, over HTTP/2: the service, or without a name the whole server, has "
                + "to be SERVING.", negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            let word = args.nextIfPresent()
            let service = word?.text.verbatimBytes ?? []
            guard service.count <= GRPCHealthCheck.nameBytesMax else {
                throw args.problem("a service's name has at most \(GRPCHealthCheck.nameBytesMax) bytes", at: word)
            }
            draft.setCheck(.askingGRPC(service: service), isOn: !args.isNegated)
        },
        Keyword(
            "option pgsql-check", in: .backends, usage: "option pgsql-check user <name>",
            summary:
                "Checks servers of PostgreSQL by their answer to the first message of a login, which may ask for a password.",
            negatable: true, parse: parsePostgres),
    ]

    private static func plain(_ name: String, _ summary: String, _ script: CheckScript) -> Keyword {
        Keyword(name, in: .backends, usage: name, summary: summary, negatable: true) { (args, draft) in
            draft.setCheck(script, isOn: !args.isNegated)
        }
    }

    /// The script of a dialogue. Its steps are counted from 1, behind the connection.
    private static func dialogue(_ actions: [CheckStep.Action]) -> CheckScript {
        CheckScript(
            [CheckStep(.connect(.implied))] + actions.enumerated().map { CheckStep($1, number: $0 + 1) })
    }

    // MARK: One question, one answer

    private static let redis = dialogue([
        .send(.fixed(Array("*1\r\n$4\r\nPING\r\n".utf8))), .expect(CheckExpectation(.reply(.redisPong))),
    ])

    /// An anonymous simple bind, in version 3, with message number 1 (RFC 4511 section 4.2).
    private static let ldap = dialogue([
        .send(.fixed([0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0])),
        .expect(CheckExpectation(.reply(.ldapBind))),
    ])

    private static let tlsHello: CheckScript = {
        var expectation = CheckExpectation(.reply(.tlsRecord))
        expectation.passedCode = .layer6OK
        expectation.failedCode = .layer6Response
        expectation.timeoutCode = .layer6Timeout
        return dialogue([.send(.fixed(clientHello)), .expect(expectation)])
    }()

    /// A ClientHello of TLS 1.2 (RFC 5246 section 7.4.1.2) that servers of TLS 1.0 understand too: without extensions, with the ciphers
    /// that most of them know. The handshake goes no further, so its random bytes need not be random.
    private static let clientHello: [UInt8] = {
        let ciphers: [UInt8] = [
            0xC0, 0x2F, 0xC0, 0x30, 0xC0, 0x13, 0xC0, 0x14, 0, 0x9C, 0, 0x9D, 0, 0x2F, 0, 0x35, 0, 0x0A,
        ]
        var hello: [UInt8] = [3, 3]
        hello += (1...32).map { UInt8($0) }
        hello += [0, 0, UInt8(ciphers.count)] + ciphers + [1, 0]
        let message = [1, 0, 0, UInt8(hello.count)] + hello
        return [0x16, 3, 1, 0, UInt8(message.count)] + message
    }()

    // MARK: SMTP

    private static func parseSMTP(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        var hello = "HELO localhost"
        if let word = args.nextIfPresent() {
            // As in HAProxy, whatever is not EHLO says HELO.
            let domain = try args.next("a domain").text
            hello = "\(word.text.uppercased() == "EHLO" ? "EHLO" : "HELO") \(domain)"
        }
        let script = dialogue([
            .expect(CheckExpectation(.reply(.smtpGreeting))), .send(.fixed("\(hello)\r\n".verbatimBytes)),
            .expect(CheckExpectation(.reply(.smtpReply))), .send(.fixed(Array("QUIT\r\n".utf8))),
            .expect(CheckExpectation(.reply(.smtpReply))),
        ])
        draft.setCheck(script, isOn: !args.isNegated)
    }

    // MARK: Databases

    /// The capabilities of a client and what depends on them (MySQL's client/server protocol, `HandshakeResponse`).
    private enum MySQLLogin {
        case before41, from41, from80

        func bytes(_ user: [UInt8]) -> [UInt8] {
            let content: [UInt8] =
                switch self {
                // Transactions are known; the longest packet.
                case .before41: [0, 0x80, 0, 0, 1] + user + [0, 0]
                // Protocol 4.1 and its passwords; the longest packet, utf8, 23 bytes of nothing.
                case .from41: [0, 0x82, 0, 0] + Self.rest(user)
                // The same, and a plugin's name.
                case .from80: [0, 0x82, 8, 0] + Self.rest(user) + Array("mysql_native_password\0".utf8)
                }
            return [UInt8(content.count & 255), UInt8(content.count >> 8), 0, 1] + content
        }

        private static func rest(_ user: [UInt8]) -> [UInt8] {
            [0, 0x80, 0, 1, 0x21] + [UInt8](repeating: 0, count: 23) + user + [0, 0]
        }
    }

    /// Bytes that a user's name may have: more than any database takes.
    private static let userBytesMax = 255

    private static func user(_ args: inout Arguments) throws(ConfigProblem) -> [UInt8] {
        let word = try args.next("a user's name")
        let name = word.text.verbatimBytes
        guard !name.isEmpty, name.count <= userBytesMax, !name.contains(0) else {
            throw args.problem("this cannot be a user's name", at: word, expected: "1 to \(userBytesMax) bytes")
        }
        return name
    }

    private static func parseMySQL(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        var actions: [CheckStep.Action] = [.expect(CheckExpectation(.reply(.mysqlGreeting)))]
        if !args.isAtEnd {
            _ = try args.choice("what follows", of: ["user": true])
            let user = try user(&args)
            let login: MySQLLogin =
                args.isAtEnd
                ? .from41
                : try args.choice("a client", of: ["post-41": .from41, "pre-41": .before41, "post-80": .from80])
            // The login, and the end of the session (COM_QUIT), go first, as HAProxy sends them: a proxy may wait for them before it
            // connects to the server.
            actions.insert(.send(.fixed(login.bytes(user) + [1, 0, 0, 0, 1])), at: 0)
            actions.append(.expect(CheckExpectation(.reply(.mysqlLogin))))
        }
        draft.setCheck(dialogue(actions), isOn: !args.isNegated)
    }

    private static func parsePostgres(_ args: inout Arguments, _ draft: inout Draft) throws(ConfigProblem) {
        guard !args.isNegated || !args.isAtEnd else { return draft.setCheck(.connecting, isOn: false) }
        _ = try args.choice("what follows", of: ["user": true])
        let content = [0, 3, 0, 0] + Array("user\0".utf8) + (try user(&args)) + [0, 0]
        let count = content.count + 4
        let message = [0, 0, UInt8(count >> 8), UInt8(count & 255)] + content
        let script = dialogue([.send(.fixed(message)), .expect(CheckExpectation(.reply(.postgresStartup)))])
        draft.setCheck(script, isOn: !args.isNegated)
    }
}

extension Draft {
    /// Has servers checked by a dialogue, or by connecting.
    fileprivate mutating func setCheck(_ script: CheckScript, isOn: Bool) {
        if isOn {
            self[BalancingSettings.self].checkMethod = .fixed(script)
        } else if case .fixed = self[BalancingSettings.self].checkMethod {
            self[BalancingSettings.self].checkMethod = .connecting
        }
    }
}
