// The answers that the checks of other protocols read: which bytes they are, and what they say of the server.
//
// Each reader gets all bytes that have come since the last question. It waits for the whole answer, and no longer than there is room in
// a buffer.

internal import Basics

/// An answer in one of the protocols that checks speak.
enum CheckReply: Sendable {
    /// The first record of a TLS server (RFC 5246 section 6.2.1).
    case tlsRecord
    /// SMTP's greeting, 220, and its other replies, 2xx (RFC 5321 section 4.2).
    case smtpGreeting
    case smtpReply
    /// Redis's answer to PING.
    case redisPong
    /// MySQL's first packet, and its answer to a login (client/server protocol, `HandshakeV10`, `OK_Packet`, `ERR_Packet`).
    case mysqlGreeting
    case mysqlLogin
    /// PostgreSQL's answer to a StartupMessage (protocol 3.0, message formats).
    case postgresStartup
    /// The response to an LDAP bind (RFC 4511 section 4.2.2).
    case ldapBind
    /// An agent's line.
    case agentLine

    /// What the bytes say.
    enum Outcome {
        case needsMore
        /// Nil for what an earlier answer has said.
        case passes(status: Int? = nil, info: String? = nil)
        case fails(CheckResult.Code, status: Int? = nil, info: String)
        case reports(AgentReport)
    }

    /// What is looked for, for messages.
    var words: String {
        switch self {
        case .tlsRecord: "TLS record"
        case .smtpGreeting, .smtpReply: "SMTP reply"
        case .redisPong: "Redis reply"
        case .mysqlGreeting, .mysqlLogin: "MySQL packet"
        case .postgresStartup: "PostgreSQL message"
        case .ldapBind: "LDAP response"
        case .agentLine: "agent's line"
        }
    }

    /// - Parameters:
    ///   - isFinal: whether no more bytes will come, or there is no room for them.
    ///   - hasEnded: whether the server has closed.
    func read(_ bytes: RawSpan, isFinal: Bool, hasEnded: Bool = false) -> Outcome {
        let outcome =
            switch self {
            case .tlsRecord: Self.tlsRecord(bytes)
            case .smtpGreeting: Self.smtp(bytes, isFinal) { $0 == 220 }
            case .smtpReply: Self.smtp(bytes, isFinal) { 200...299 ~= $0 }
            case .redisPong: Self.redis(bytes, isFinal)
            case .mysqlGreeting: Self.mysqlGreeting(bytes)
            case .mysqlLogin: Self.mysqlLogin(bytes)
            case .postgresStartup: Self.postgres(bytes)
            case .ldapBind: Self.ldap(bytes)
            case .agentLine: Self.agent(bytes, isLast: hasEnded)
            }
        if case .needsMore = outcome, isFinal {
            return .fails(.layer7Response, info: "the answer stops before its end, or is too long")
        }
        return outcome
    }

    /// Bytes of a server's words that are shown.
    private static let textBytesMax = 127

    /// Text as it came, without the line's end.
    private static func text(_ bytes: RawSpan) -> String {
        var end = bytes.byteCount
        while end > 0, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
        return HTTPCheckAnswer.text(bytes.extracting(0..<min(end, textBytesMax)))
    }

    // MARK: TLS

    /// A handshake record, or an alert: only a server of TLS sends either.
    private static func tlsRecord(_ bytes: RawSpan) -> Outcome {
        let isRecord = bytes[0] == 0x16 || bytes[0] == 0x15
        guard isRecord, bytes.byteCount < 2 || bytes[1] == 3 else {
            return .fails(.layer6Response, info: "the answer is not TLS")
        }
        return bytes.byteCount < 5 ? .needsMore : .passes()
    }

    // MARK: Lines

    private static func smtp(_ bytes: RawSpan, _ isFinal: Bool, _ isGood: (Int) -> Bool) -> Outcome {
        var start = 0
        while true {
            let end = bytes.firstIndex(from: start) { $0 == 0x0A }
            if end == bytes.byteCount, !isFinal || start == end { return .needsMore }
            let line = bytes.extracting(start..<end)
            guard let (code, isLast) = smtpCode(line) else { return .fails(.layer7Response, info: text(line)) }
            if isLast {
                let words = text(line.extracting(min(4, line.byteCount)..<line.byteCount))
                return isGood(code)
                    ? .passes(status: code, info: words) : .fails(.layer7Status, status: code, info: words)
            }
            if end == bytes.byteCount { return .needsMore }
            start = end + 1
        }
    }

    /// The number that a reply's line begins with, and whether no other line follows.
    private static func smtpCode(_ line: RawSpan) -> (code: Int, isLast: Bool)? {
        guard line.byteCount >= 3 else { return nil }
        var code = 0
        for i in 0..<3 {
            guard line[i] &- 0x30 < 10 else { return nil }
            code = code * 10 + Int(line[i] - 0x30)
        }
        guard line.byteCount > 3 else { return (code, true) }
        switch line[3] {
        case 0x2D: return (code, false)
        case 0x20, 0x0D: return (code, true)
        default: return nil
        }
    }

    private static func redis(_ bytes: RawSpan, _ isFinal: Bool) -> Outcome {
        let end = bytes.firstIndex(from: 0) { $0 == 0x0A }
        if end == bytes.byteCount, !isFinal { return .needsMore }
        let line = text(bytes.extracting(0..<end))
        return line == "+PONG" && end < bytes.byteCount
            ? .passes(info: "Redis server is ok") : .fails(.layer7Status, info: line)
    }

    // MARK: MySQL

    /// A packet's number and its content, when all of it is here.
    private static func mysqlPacket(_ bytes: RawSpan) -> (number: UInt8, range: Range<Int>)? {
        guard bytes.byteCount >= 4 else { return nil }
        let count = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
        return bytes.byteCount >= 4 + count ? (bytes[3], 4..<4 + count) : nil
    }

    private static func mysqlGreeting(_ bytes: RawSpan) -> Outcome {
        // The number of the first packet, and the version of the protocol or the mark of an error.
        if bytes.byteCount >= 5, bytes[3] != 0 || ![9, 10, 0xFF].contains(bytes[4]) { return notMySQL }
        guard let (_, range) = mysqlPacket(bytes) else { return .needsMore }
        guard !range.isEmpty else { return notMySQL }
        let content = bytes.extracting(range)
        if content[0] == 0xFF { return mysqlError(content) }
        let end = content.firstIndex(from: 1) { $0 == 0 }
        guard end < content.byteCount else { return notMySQL }
        return .passes(info: text(content.extracting(1..<end)))
    }

    /// The packet behind the greeting.
    private static func mysqlLogin(_ bytes: RawSpan) -> Outcome {
        guard let (_, greeting) = mysqlPacket(bytes) else { return .needsMore }
        let rest = bytes.extracting(greeting.upperBound..<bytes.byteCount)
        guard let (_, range) = mysqlPacket(rest) else { return .needsMore }
        guard !range.isEmpty else { return notMySQL }
        let content = rest.extracting(range)
        switch content[0] {
        case 0xFF: return mysqlError(content)
        // OK, and a wish for another way to log in, which says that the server is at work.
        case 0x00, 0xFE: return .passes()
        default: return notMySQL
        }
    }

    private static func mysqlError(_ content: RawSpan) -> Outcome {
        guard content.byteCount >= 3 else { return notMySQL }
        let code = Int(content[1]) | Int(content[2]) << 8
        let hasState = content.byteCount >= 9 && content[3] == 0x23
        return .fails(
            .layer7Status, status: code, info: text(content.extracting((hasState ? 9 : 3)..<content.byteCount)))
    }

    private static var notMySQL: Outcome { .fails(.layer7Response, info: "the answer is not MySQL's protocol") }

    // MARK: PostgreSQL

    private static func postgres(_ bytes: RawSpan) -> Outcome {
        guard bytes[0] == 0x52 || bytes[0] == 0x45 else { return unknownToPostgres }
        guard bytes.byteCount >= 5 else { return .needsMore }
        let count = (1...4).reduce(0) { $0 << 8 | Int(bytes[$1]) }
        guard count >= 8 else { return unknownToPostgres }
        if bytes[0] == 0x45 {
            return bytes.byteCount >= 1 + count ? postgresError(bytes.extracting(5..<1 + count)) : .needsMore
        }
        guard bytes.byteCount >= 9 else { return .needsMore }
        // The ways to log in that the protocol knows: none, passwords, SASL and others.
        let way = (5...8).reduce(0) { $0 << 8 | Int(bytes[$1]) }
        return way <= 12 ? .passes(info: "PostgreSQL server is ok") : unknownToPostgres
    }

    /// Its severity and its message, of the fields that an error has.
    private static func postgresError(_ fields: RawSpan) -> Outcome {
        var severity = ""
        var message = ""
        var start = 0
        while start < fields.byteCount, fields[start] != 0 {
            let end = fields.firstIndex(from: start) { $0 == 0 }
            let value = text(fields.extracting(start + 1..<end))
            switch fields[start] {
            case 0x53: severity = value
            case 0x4D: message = value
            default: break
            }
            start = end + 1
        }
        return .fails(.layer7Response, info: message.isEmpty ? severity : "\(severity): \(message)")
    }

    private static var unknownToPostgres: Outcome { .fails(.layer7Status, info: "PostgreSQL unknown error") }

    // MARK: LDAP

    private static func ldap(_ bytes: RawSpan) -> Outcome {
        guard bytes[0] == 0x30 else { return notLDAP }
        var place = 1
        guard let count = berLength(bytes, &place) else { return .needsMore }
        guard let count else { return notLDAP }
        guard bytes.byteCount - place >= count else { return .needsMore }
        let message = bytes.extracting(place..<place + count)
        // INTEGER 1, the number of our message, and bindResponse.
        guard message.byteCount > 5, message[0] == 2, message[1] == 1, message[2] == 1, message[3] == 0x61 else {
            return notLDAP
        }
        place = 4
        guard case .some(.some) = berLength(message, &place), message.byteCount - place >= 3, message[place] == 0x0A,
            message[place + 1] == 1
        else { return notLDAP }
        let code = Int(message[place + 2])
        return code == 0
            ? .passes(info: "Success")
            : .fails(.layer7Status, status: code, info: "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9")
    }

    /// The length of what follows (X.690 section 8.1.3), behind which `place` then is. The outer nil: not all of it is here; the inner one:
    /// it is none that LDAP has.
    private static func berLength(_ bytes: RawSpan, _ place: inout Int) -> Int?? {
        guard place < bytes.byteCount else { return .none }
        let first = bytes[place]
        place += 1
        guard first & 0x80 != 0 else { return .some(Int(first)) }
        let digits = Int(first & 0x7F)
        guard 1...4 ~= digits else { return .some(nil) }
        guard place + digits <= bytes.byteCount else { return .none }
        let length = (0..<digits).reduce(0) { $0 << 8 | Int(bytes[place + $1]) }
        place += digits
        return .some(length)
    }

    private static var notLDAP: Outcome { .fails(.layer7Response, info: "Not LDAPv3 protocol") }

    // MARK: Agents

    /// The line ends with CR or LF, or where the agent closes.
    private static func agent(_ bytes: RawSpan, isLast: Bool) -> Outcome {
        let end = bytes.firstIndex(from: 0) { $0 == 0x0A || $0 == 0x0D }
        if end == bytes.byteCount, !isLast { return .needsMore }
        return .reports(AgentReport(bytes.extracting(0..<end)))
    }
}
