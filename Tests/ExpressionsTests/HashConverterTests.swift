// Converters that hash: (expression, expected), as HAProxy 2.6 answers.

import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct HashConverterTests {
    @Test(arguments: [
        ("str(abc),crc32", "891568578"), ("str(abc),crc32(1)", "930845320"), ("str(abc),crc32(0)", "891568578"),
        ("str(abc),crc32(2)", "930845320"),
        ("str(abc),crc32c", "910901175"), ("str(abc),crc32c(1)", "1285784220"),
        ("str(abc),djb2", "193485963"), ("str(abc),djb2(1)", "2235766107"),
        ("str(abc),sdbm", "807794786"), ("str(abc),sdbm(1)", "659243622"),
        ("str(abc),wt6", "2483038440"), ("str(abc),wt6(1)", "266135527"),
        ("var(txn.empty),crc32", "0"), ("var(txn.empty),crc32c", "0"), ("var(txn.empty),djb2", "5381"),
        ("var(txn.empty),sdbm", "0"), ("var(txn.empty),wt6", "4187620192"), ("var(txn.empty),wt6(1)", "2385687481"),
        ("url,crc32", "1078425200"), ("url,crc32c(1)", "3162890627"), ("url,djb2", "3627877352"),
        ("url,sdbm(1)", "168519601"), ("url,wt6", "2661658191"),
        ("src,crc32", "1696554816"), ("int(1),wt6", "3177233502"),
        ("str(abc),xxh32", "852579327"), ("str(abc),xxh32(1)", "2856167679"), ("str(abc),xxh32(-1)", "2989167648"),
        ("str(abc),xxh64", "4952883123889572249"), ("str(abc),xxh64(1)", "-4708009277469325048"),
        ("str(abc),xxh64(-1)", "2895935887265243510"), ("str(abc),xxh3", "8696274497037089104"),
        ("str(abc),xxh3(1)", "7729416884403528232"), ("str(abc),xxh3(-1)", "2962310483463817673"),
        ("var(txn.empty),xxh32", "46947589"), ("var(txn.empty),xxh64", "-1205034819632174695"),
        ("var(txn.empty),xxh3", "3244421341483603138"),
    ])
    func `Bytes have a number`(expression: String, expected: String) throws {
        #expect(try value(expression) == expected)
    }

    @Test(arguments: [
        ("str(a),crc32(x)", "'x' is not 0 or 1"), ("str(a),wt6(1,2)", "'wt6' takes no argument '2'"),
        ("str(a),xxh3(x)", "'x' is not a seed, a whole number"), ("str(a),djb2(1,2)", "'djb2' takes no argument '2'"),
        ("str(a),sdbm(x)", "'x' is not 0 or 1"), ("str(a),crc32c(x)", "'x' is not 0 or 1"),
        ("str(a),xxh32(1,2)", "'xxh32' takes no argument '2'"), ("str(a),xxh64(1,2)", "'xxh64' takes no argument '2'"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
