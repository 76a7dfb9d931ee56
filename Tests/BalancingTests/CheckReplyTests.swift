// The checks of other protocols, against transcripts: what servers answer, cut at every byte, and what they are sent.

import BalancingTesting
import Testing

@testable import Balancing

@Suite struct CheckReplyTests {
    typealias Visit = CheckTranscript.Visit

    /// The bytes of hexadecimal digits; blanks separate them as one likes.
    private func bytes(_ digits: String) -> [UInt8] {
        CheckExpectation.bytes(ofDigits: Array(digits.filter { $0 != " " }.utf8)) ?? []
    }

    private func digits(_ bytes: [UInt8]) -> String {
        String(decoding: unsafe CheckExpectation.digits(bytes.span.bytes), as: UTF8.self)
    }

    @Test(arguments: [
        ("+PONG\r\n", "passed L7OK Redis server is ok"),
        ("-NOAUTH Authentication required.\r\n", "failed L7STS -NOAUTH Authentication required."),
        ("-LOADING\r\n", "failed L7STS -LOADING"), ("HTTP/1.1 400 Bad\r\n\r\n", "failed L7STS HTTP/1.1 400 Bad"),
        ("+PON", "failed L7STS +PON"), ("", "failed L7RSP TCPCHK got an empty response at step 2"),
    ])
    func `redis`(_ answer: String, _ verdict: String) throws {
        let check = try CheckTranscript("option redis-check", Visit("", answer))
        #expect(check.words() == verdict)
        #expect(check.questions == ["*1\r\n$4\r\nPING\r\n"])
    }

    @Test(arguments: [
        ("220 mx\r\n", "250 mx\r\n", "221 bye\r\n", "passed L7OK 221 bye"),
        ("220-mx\r\n220 ready\r\n", "250-mx\r\n250-SIZE\r\n250 HELP\r\n", "221\r\n", "passed L7OK 221"),
        ("421 Try later\r\n", "", "", "failed L7STS 421 Try later"),
        ("I'm not a SMTP server\r\n", "", "", "failed L7RSP I'm not a SMTP server"),
        ("220 mx\r\n", "512 DNS error\r\n", "", "failed L7STS 512 DNS error"),
        ("220 mx\r\n", "250-mx\r\n", "", "failed L7RSP the answer stops before its end, or is too long"),
        ("", "", "", "failed L7RSP TCPCHK got an empty response at step 1"),
    ])
    func `smtp`(_ greeting: String, _ hello: String, _ bye: String, _ verdict: String) throws {
        let check = try CheckTranscript("option smtpchk EHLO a.example", Visit(greeting, hello, bye))
        #expect(check.words() == verdict)
        if verdict.hasPrefix("passed") { #expect(check.questions == ["EHLO a.example\r\nQUIT\r\n"]) }
        let plain = try CheckTranscript("option smtpchk", Visit("220 mx\r\n", "250 mx\r\n", "221 bye\r\n"))
        #expect(plain.questions == ["HELO localhost\r\nQUIT\r\n"])
    }

    private static let greeting =
        "4A0000000A382E302E3139000A0000006F3C025E6249410D00FFFFFF0200FFC715000000000000000000007C182159106E2761144322200063616368696E675F736861325F70617373776F726400"

    @Test(arguments: [
        ("", greeting, "", "passed L7OK 8.0.19"),
        ("user u", greeting, "0700000200000002000000", "passed L7OK 8.0.19"),
        ("user u pre-41", greeting, "03000002000000", "passed L7OK 8.0.19"),
        (
            "user u", greeting, "0F000002FF15042332383030304E6F",
            "failed L7RSP the answer stops before its end, or is too long"
        ),
        ("user u", greeting, "0B000002FF15042332383030304E6F", "failed L7STS 1045 No"),
        ("", "0D000000FF6904486F737420626C6F636B", "", "failed L7STS 1129 Host block"),
        ("", "48545450", "", "failed L7RSP the answer stops before its end, or is too long"),
        ("", "485454502F312E31", "", "failed L7RSP the answer is not MySQL's protocol"),
    ])
    func `mysql`(_ words: String, _ greeting: String, _ answer: String, _ verdict: String) throws {
        let check = try CheckTranscript("option mysql-check \(words)", Visit(bytes(greeting + answer), []))
        #expect(check.words() == verdict)
    }

    @Test(arguments: [
        ("user", "2600000100820000008000012100000000000000000000000000000000000000000000007573657200000100000001"),
        ("user pre-41", "0B00000100800000017573657200000100000001"),
    ])
    func `mysql's login`(_ words: String, _ login: String) throws {
        let name = words.split(separator: " ").map(String.init)
        let line = (["user", "user"] + name.dropFirst()).joined(separator: " ")
        let check = try CheckTranscript("option mysql-check \(line)", Visit(bytes(Self.greeting), []))
        #expect(check.play().sent.map(digits) == [login])
    }

    @Test(arguments: [
        ("520000000800000000", "passed L7OK PostgreSQL server is ok"),
        ("52000000170000000A534352414D2D5348412D3235360000", "passed L7OK PostgreSQL server is ok"),
        ("450000000B53464154414C00", "failed L7RSP FATAL"),
        ("450000001253464154414C004D6E6F706500 00", "failed L7RSP FATAL: nope"),
        ("4E6F74", "failed L7STS PostgreSQL unknown error"),
        ("52000000080000", "failed L7RSP the answer stops before its end, or is too long"),
        ("5200000008000000FF", "failed L7STS PostgreSQL unknown error"),
    ])
    func `postgres`(_ answer: String, _ verdict: String) throws {
        let check = try CheckTranscript("option pgsql-check user postgres", Visit([], [bytes(answer)]))
        #expect(check.words() == verdict)
        #expect(check.play().sent.map(digits) == ["00000017000300007573657200706F7374677265730000"])
    }

    @Test(arguments: [
        ("300C02010161070A010004000400", "passed L7OK Success"),
        ("30840000001002010161840000 00070A010004000400", "passed L7OK Success"),
        ("300C02010160070A010004000400", "failed L7RSP Not LDAPv3 protocol"),
        ("300C02010161070A013104000400", "failed L7STS 49 See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9"),
        ("485454502F312E31", "failed L7RSP Not LDAPv3 protocol"),
        ("300C020101", "failed L7RSP the answer stops before its end, or is too long"),
        ("30FF00", "failed L7RSP Not LDAPv3 protocol"), ("3003020101", "failed L7RSP Not LDAPv3 protocol"),
    ])
    func `ldap`(_ answer: String, _ verdict: String) throws {
        let check = try CheckTranscript("option ldap-check", Visit([], [bytes(answer)]))
        #expect(check.words() == verdict)
        #expect(check.play().sent.map(digits) == ["300C020101600702010304008000"])
    }

    @Test(arguments: [
        ("160303003A02", "passed L6OK"), ("15030100020228", "passed L6OK"),
        ("485454502F312E31", "failed L6RSP the answer is not TLS"),
        ("1604030000", "failed L6RSP the answer is not TLS"),
        ("", "failed L6RSP TCPCHK got an empty response at step 2"),
        ("1603", "failed L6RSP the answer stops before its end, or is too long"),
    ])
    func `tls`(_ answer: String, _ verdict: String) throws {
        let check = try CheckTranscript("option ssl-hello-chk", Visit([], [bytes(answer)]))
        #expect(check.words() == verdict)
        let hello = check.play().sent[0]
        // A handshake record with one message, each as long as it says.
        #expect(hello.prefix(3) == [0x16, 3, 1] && Int(hello[3]) << 8 | Int(hello[4]) == hello.count - 5)
        #expect(hello[5] == 1 && Int(hello[8]) == hello.count - 9)
        let silent = try CheckTranscript("option ssl-hello-chk", Visit([], [], closes: false))
        #expect(silent.words() == "failed L6TOUT")
    }
}
