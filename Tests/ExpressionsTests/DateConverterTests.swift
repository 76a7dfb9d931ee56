// Converters of dates: (expression, expected), as the manual has them and HAProxy 2.6 answers, except where a comment says
// that they are newer. 784111777 is RFC 9110's example, Sun, 06 Nov 1994 08:49:37 GMT.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct DateConverterTests {
    @Test(arguments: [
        ("int(0),http_date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("int(784111777),http_date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("int(784111777),http_date(10)", "Sun, 06 Nov 1994 08:49:47 GMT"),
        ("int(784111777),http_date(-10)", "Sun, 06 Nov 1994 08:49:27 GMT"),
        ("int(784111777),http_date(0,s)", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("int(784111777123),http_date(0,ms)", "Sun, 06 Nov 1994 08:49:37.123 GMT"),
        ("int(784111777123),http_date(-1000,ms)", "Sun, 06 Nov 1994 08:49:36.123 GMT"),
        ("int(784111777123456),http_date(0,us)", "Sun, 06 Nov 1994 08:49:37.123456 GMT"),
        ("int(253402300799),http_date", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("int(784111777),utime(%Y%m%d%H%M%S)", "19941106084937"),
        ("int(784111777),utime(%Y%m%d%H%M%S,60)", "19941106085037"),
        ("int(784111777),utime(%Y%m%d%H%M%S,-60)", "19941106084837"),
        (
            "int(784111777),utime('%a %A %b %B %h|%c|%C %d %e|%D|%F')",
            "Sun Sunday Nov November Nov|Sun Nov  6 08:49:37 1994|19 06  6|11/06/94|1994-11-06"
        ),
        ("int(784111777),utime('%g %G %V %H %I %j %k %l %m %M')", "94 1994 44 08 08 310  8  8 11 49"),
        (
            "int(784111777),utime('%p %P|%r|%R|%s %S|%T|%u %U %w %W')",
            "AM am|08:49:37 AM|08:49|784111777 37|08:49:37|7 45 0 44"
        ),
        ("int(784111777),utime('%x %X %y %Y %z %Z %%')", "11/06/94 08:49:37 94 1994 +0000 GMT %"),
        ("int(784111777),utime('%Ey %Od %-d %_d %05Y %^a %#Z %#p %3d %-5d')", "94 06 6  6 01994 SUN gmt am 006     6"),
        (
            "int(784111777),utime('%10b|%-10b|%^B|%#a|%010F|%12T')",
            "       Nov|       Nov|NOVEMBER|SUN|1994-11-06|    08:49:37"
        ),
        ("int(784111777),utime('%N %Q %E %O %v %f %q %i %J %K %L %1')", "%N %Q %E %O %v %f %q %i %J %K %L %1"),
        ("int(784111777),utime(%)", "%"), ("int(784111777),utime(abc)", "abc"), ("str(abc),utime(%Y)", "1970"),
        ("int(43200),utime('%I %l %p')", "12 12 PM"), ("int(0),utime('%I %l %p')", "12 12 AM"),
        ("int(46800),utime('%I %l %p')", "01  1 PM"),
        // Weeks around new years.
        ("int(1072828800),utime('%G-%V %g %U %W %u %w %j')", "2004-01 04 52 52 3 3 365"),
        ("int(1230768000),utime('%G-%V %g %U %W %u %w %j')", "2009-01 09 00 00 4 4 001"),
        ("int(1262304000),utime('%G-%V %g %U %W %u %w %j')", "2009-53 09 00 00 5 5 001"),
        ("int(1483228800),utime('%G-%V %g %U %W %u %w %j')", "2016-52 16 01 00 7 0 001"),
        ("int(1609459200),utime('%G-%V %g %U %W %u %w %j')", "2020-53 20 00 00 5 5 001"),
        ("int(951782400),utime('%F %j')", "2000-02-29 060"),
    ])
    func `A number is a date`(expression: String, expected: String) throws {
        #expect(try value(expression) == expected)
    }

    // Newer than 2.6; the last one is there too, without the zeros.
    @Test(arguments: [
        ("int(784111777123),ms_utime('%F %T.%3N')", "1994-11-06 08:49:37.123"),
        ("int(784111777123),ms_utime(%N)", "123000000"), ("int(784111777123456),us_utime('%S.%6N')", "37.123456"),
        ("int(784111777123456),us_utime(%9N)", "123456000"), ("int(784111777123456),us_utime(%1N)", "1"),
        ("int(784111777000001),us_utime(%6N)", "000001"), ("int(784111777123),ms_utime(%S,1000)", "38"),
        ("int(784111777123456),us_utime(%S,-1000000)", "36"),
        ("int(0),ms_ltime(abc)", "abc"), ("int(0),us_ltime('%% %3N')", "% 000"),
        ("int(-1),ms_utime('%F %T.%3N')", "1969-12-31 23:59:59.999"),
        ("str('Sun, 06 Nov 1994 08:49:37 GMT'),date", "784111777"),
        ("str('Sunday, 06-Nov-94 08:49:37 GMT'),date", "784111777"),
        ("str('Sun Nov  6 08:49:37 1994'),date", "784111777"), ("str(tomorrow),date", nil),
        ("var(txn.empty),date", nil),
        ("int(784111777003456),http_date(0,us)", "Sun, 06 Nov 1994 08:49:37.003456 GMT"),
    ])
    func `Dates in the ways of newer versions`(expression: String, expected: String?) throws {
        #expect(try value(expression) == expected)
    }

    /// The zone of this machine does not matter for what a day, or its opposite, makes of it.
    @Test(arguments: [("ltime", 1), ("ms_ltime", 1_000), ("us_ltime", 1_000_000)])
    func `Local time is UTC and what %z says`(name: String, unit: Int) throws {
        for seconds in [0, 784_111_777, 1_721_000_000] {
            let zone = try #require(try value("int(\(seconds * unit)),\(name)(%z)"))
            let minutes = try #require(Int(zone.dropFirst(3))) + 60 * (try #require(Int(zone.dropFirst().prefix(2))))
            let offset = (zone.hasPrefix("-") ? -60 : 60) * minutes
            #expect(
                try value("int(\(seconds * unit)),\(name)('%F %T')") == value("int(\(seconds + offset)),utime('%F %T')")
            )
            #expect(try value("int(\(seconds * unit)),\(name)(%Z),length,bool") == "1")
        }
    }

    // HAProxy 2.6 makes years of more digits of these.
    @Test(arguments: [
        "int(253402300800)", "int(9223372036854775807)", "int(-9223372036854775808)", "int(-62167219202)",
    ])
    func `A year of five digits is none`(number: String) throws {
        for converter in ["http_date", "utime(%Y)", "ltime(%Y)", "http_date(1)"] {
            #expect(try value("\(number),\(converter)") == nil)
        }
    }

    @Test(arguments: [
        ("int(1),http_date(x)", "'x' is not an offset"), ("int(1),http_date(0,x)", "'x' is no unit here"),
        ("int(1),utime", "'utime' lacks an argument"), ("int(1),utime(%Y,x)", "'x' is not an offset"),
        ("str(a),date(1)", "'date' takes no argument '1'"), ("int(1),ltime", "'ltime' lacks an argument"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
