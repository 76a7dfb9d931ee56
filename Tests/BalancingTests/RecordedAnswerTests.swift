// What real servers answer to the checks of their protocols, as `scripts/test-peers --record` prints it: Redis 7.0.15, PostgreSQL 15.18,
// MariaDB 10.11.19, OpenSMTPD 6.8.0, slapd 2.5.13 of Debian 12.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

@Suite struct RecordedAnswerTests {
    /// The bytes of hexadecimal digits.
    private static func bytes(_ digits: String) -> [UInt8] {
        CheckExpectation.bytes(ofDigits: Array(digits.utf8)) ?? []
    }

    /// A server that says `greeting` at once and then one answer to each question, and closes.
    private func verdict(_ line: String, _ greeting: String = "", _ answers: String...) throws -> String {
        let visit = CheckTranscript.Visit(Self.bytes(greeting), answers.map(Self.bytes))
        return try CheckTranscript(line, visit).words()
    }

    @Test func `the answers of Redis`() throws {
        #expect(try verdict("option redis-check", "", "2b504f4e470d0a") == "passed L7OK Redis server is ok")
        #expect(
            try verdict(
                "option redis-check", "", "2d4e4f415554482041757468656e7469636174696f6e2072657175697265642e0d0a")
                == "failed L7STS -NOAUTH Authentication required.")
    }

    @Test func `the answers of PostgreSQL`() throws {
        let line = "option pgsql-check user postgres"
        #expect(
            try verdict(
                line, "",
                "52000000080000000053000000166170706c69636174696f6e5f6e616d6500005300000019636c69656e745f656e636f64696e6700555446"
                    + "38005a0000000549") == "passed L7OK PostgreSQL server is ok")
        #expect(
            try verdict(line, "", "52000000170000000a534352414d2d5348412d3235360000")
                == "passed L7OK PostgreSQL server is ok", "it asks for a password")
        #expect(
            try verdict(
                line, "",
                "45000000a553464154414c0056464154414c00433238303030004d70675f6862612e636f6e662072656a6563747320636f6e6e65637469"
                    + "6f6e20666f7220686f737420223132372e302e302e31222c2075736572202272656675736564222c206461746162617365202272"
                    + "656675736564222c206e6f20656e6372797074696f6e0046617574682e63004c3437360052436c69656e7441757468656e746963"
                    + "6174696f6e0000")
                == "failed L7RSP FATAL: pg_hba.conf rejects connection for host \"127.0.0.1\", user \"refused\", "
                + "database \"refused\", no encryption")
    }

    private let mariadbGreeting =
        "640000000a352e352e352d31302e31312e31392d4d6172696144422d302b646562313275310005000000574c595a3745347300fef7080200ff81"
        + "150000000000001d000000672a3c2f75224677473a2e76006d7973716c5f6e61746976655f70617373776f726400"

    @Test func `the answers of MariaDB`() throws {
        // A check with a user speaks first, and the server's greeting comes all the same.
        #expect(
            try verdict("option mysql-check", mariadbGreeting) == "passed L7OK 5.5.5-10.11.19-MariaDB-0+deb12u1")
        #expect(
            try verdict("option mysql-check user checker", "", mariadbGreeting + "0700000200000002000000")
                == "passed L7OK 5.5.5-10.11.19-MariaDB-0+deb12u1")
        #expect(
            try verdict(
                "option mysql-check user nobody", "",
                mariadbGreeting
                    + "49000002ff15042332383030304163636573732064656e69656420666f72207573657220276e6f626f64792740273132372e302e302e"
                    + "312720287573696e672070617373776f72643a204e4f29")
                == "failed L7STS 1045 Access denied for user 'nobody'@'127.0.0.1' (using password: NO)")
    }

    @Test func `the answers of OpenSMTPD`() throws {
        #expect(
            try verdict(
                "option smtpchk EHLO localhost", "32323020766d2045534d5450204f70656e534d5450440d0a",
                "3235302d766d2048656c6c6f206c6f63616c686f7374205b3132372e302e302e315d2c20706c656173656420746f206d65657420796f75"
                    + "0d0a3235302d384249544d494d450d0a3235302d454e48414e434544535441545553434f4445530d0a3235302d53495a4520333637"
                    + "30303136300d0a3235302d44534e0d0a3235302048454c500d0a", "32323120322e302e30204279650d0a")
                == "passed L7OK 221 2.0.0 Bye")
    }

    @Test func `the answers of slapd`() throws {
        #expect(try verdict("option ldap-check", "", "300c02010161070a010004000400") == "passed L7OK Success")
        #expect(
            try verdict(
                "option ldap-check", "",
                "302502010161200a013004000419616e6f6e796d6f75732062696e6420646973616c6c6f776564")
                == "failed L7STS 48 See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9")
    }
}
