// rise and fall, counted as in HAProxy (check_server_state and set_server_check_status of its check.c).

import Basics
import Testing

@testable import Balancing

@Suite struct HealthRecordTests {
    private func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }

    private func record(rise: Int, fall: Int) -> HealthRecord {
        var thresholds = HealthThresholds()
        thresholds.rise = rise
        thresholds.fall = fall
        return HealthRecord(thresholds: thresholds, since: at(0))
    }

    private func result(_ sign: Character) -> CheckResult {
        sign == "+" ? CheckResult(.passed, .layer4OK) : CheckResult(.failed, .layer4Connection)
    }

    /// U up, u up but failing, D down, d down but passing.
    private func letter(_ state: HealthState) -> Character {
        switch state {
        case .up: "U"
        case .goingDown: "u"
        case .down: "D"
        case .goingUp: "d"
        case .draining: "N"
        case .unchecked: "?"
        }
    }

    @Test(arguments: [
        (2, 3, "", ""), (2, 3, "+", "U"), (2, 3, "-", "D"), (2, 3, "++++", "UUUU"),
        (2, 3, "+---", "UuuD"), (2, 3, "+--+---", "UuuUuuD"), (2, 3, "+---+-++", "UuuDdDdU"),
        (2, 3, "-+-+-++-", "DdDdDdUu"), (1, 1, "+-+-", "UDUD"), (1, 1, "-+", "DU"), (3, 2, "+-+--+++", "UuUuDddU"),
        (3, 2, "-++-+++", "DddDddU"), (1, 3, "---+---+", "DDDUuuDU"), (4, 1, "+-++++", "UDdddU"),
    ])
    func `states after each result`(_ rise: Int, _ fall: Int, _ results: String, _ states: String) {
        var record = record(rise: rise, fall: fall)
        #expect(record.state == .up, "up until a check says otherwise, and then down at the first failure")
        var seen = ""
        for sign in results {
            let wasUp = record.isUp
            let transition = record.add(result(sign), at: at(1))
            seen.append(letter(record.state))
            #expect(transition == (record.isUp == wasUp ? nil : record.isUp ? .wentUp : .wentDown))
            #expect((0..<rise + fall).contains(record.health))
        }
        #expect(seen == states)
    }

    @Test(arguments: [("+---", 3), ("+------", 3), ("-----", 1), ("-+-", 2), ("-+-+---", 3), ("++", 0)])
    func `failures of a server that is down already are not counted`(_ results: String, _ failures: UInt64) {
        var record = record(rise: 2, fall: 3)
        for sign in results { _ = record.add(result(sign), at: at(1)) }
        #expect(record.failures == failures)
    }

    @Test func `other thresholds leave a server up or down`() {
        for results in ["", "+", "+--", "-", "-+", "-++", "-+++"] {
            for (rise, fall) in [(1, 1), (2, 3), (5, 5)] {
                var record = record(rise: 3, fall: 3)
                for sign in results { _ = record.add(result(sign), at: at(1)) }
                let wasUp = record.isUp
                var thresholds = HealthThresholds()
                thresholds.rise = rise
                thresholds.fall = fall
                record.adopt(thresholds)
                #expect(record.isUp == wasUp, "\(results) with rise \(rise) fall \(fall)")
                #expect((0..<rise + fall).contains(record.health))
            }
        }
    }

    @Test func `it knows since when it is as it is, and how long it was down before`() {
        var record = record(rise: 1, fall: 1)
        for (index, sign) in "+-++--+".enumerated() { _ = record.add(result(sign), at: at(UInt64(index) * 10)) }
        #expect(record.falls == 2)
        #expect(record.since == at(60))
        #expect(record.downtime == TimeSpan(nanoseconds: 10 + 20))
        #expect(record.last == result("+"))
    }
}
