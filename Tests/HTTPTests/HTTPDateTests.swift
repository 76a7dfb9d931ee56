// Parsing dates in the three formats of RFC 9110 section 5.6.7, and writing the preferred one.
// The expected times come from another implementation.

import Basics
import Testing

@testable import HTTP

@Suite struct HTTPDateTests {
    private func parse(_ text: String, now: Int = 1_700_000_000) -> Int? {
        HTTPDate.parse(Array(text.utf8).bytes, now: WallTime(seconds: now))?.seconds
    }

    /// The example of RFC 9110 section 5.6.7 in its three formats.
    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func readsTheThreeForms(text: String) {
        #expect(parse(text) == 784_111_777)
    }

    @Test func writesTheFixedForm() {
        var out: [UInt8] = []
        HTTPDate.append(WallTime(seconds: 784_111_777), to: &out)
        #expect(escaped(out) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test func readsWhatItWrites() {
        for seconds in stride(from: 0, through: 5_000_000_000, by: 12_345_677) {
            var out: [UInt8] = []
            HTTPDate.append(WallTime(seconds: seconds), to: &out)
            #expect(out.count == 29)
            #expect(HTTPDate.parse(out.bytes)?.seconds == seconds)
        }
    }

    /// At most fifty years ahead (RFC 9110 section 5.6.7).
    @Test func twoDigitYearsAreOfTheNearestCentury() {
        #expect(parse("Saturday, 01-Jan-00 00:00:00 GMT") == 946_684_800)
        #expect(parse("Friday, 01-Jan-73 00:00:00 GMT") == 3_250_454_400)  // 2073, from 2023
        #expect(parse("Tuesday, 01-Jan-74 00:00:00 GMT") == 126_230_400)  // 1974
    }

    @Test func knowsLeapDaysAndLeapSeconds() {
        #expect(parse("Tue, 29 Feb 2000 00:00:00 GMT") == 951_782_400)
        #expect(parse("Thu, 29 Feb 1900 00:00:00 GMT") == nil)
        #expect(parse("Sat, 31 Dec 2016 23:59:60 GMT") == 1_483_228_800)
    }

    @Test(arguments: [
        "", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 19x4", ",", "Sunday,", "Sun,",
        "Sun, 99 Nov 1994 08:49:37 GMT", "Mon Feb 31 00:00:00 2000", "1994-11-06T08:49:37Z",
    ])
    func refusesWhatIsNoDate(text: String) {
        #expect(parse(text) == nil)
    }
}

@Suite struct HTTPDateValueTests {
    @Test func aDateFieldFollowsTheClock() {
        var value = HTTPDateValue()
        #expect(
            String(decoding: value.value(at: WallTime(seconds: 784_111_777)), as: UTF8.self)
                == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(
            String(decoding: value.value(at: WallTime(seconds: 784_111_777, microseconds: 9)), as: UTF8.self)
                == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(
            String(decoding: value.value(at: WallTime(seconds: 784_111_778)), as: UTF8.self)
                == "Sun, 06 Nov 1994 08:49:38 GMT")
    }
}
