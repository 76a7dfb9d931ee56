// The access lists that need no `acl` line (manual, section 7.4).

internal import Basics
internal import Configuration
internal import Expressions
internal import Patterns

enum PredefinedLists {
    /// Name and test, as an `acl` line would write it.
    private static let tests: KeyValuePairs<String, String> = [
        "FALSE": "always_false",
        "HTTP": "req.proto_http",
        "HTTP_1.0": "req.ver 1.0",
        "HTTP_1.1": "req.ver 1.1",
        "HTTP_2.0": "req.ver 2.0",
        "HTTP_CONTENT": "req.hdr_val(content-length) gt 0",
        "HTTP_URL_SLASH": "url_beg /",
        "HTTP_URL_STAR": "url *",
        "LOCALHOST": "src 127.0.0.1/8 ::1",
        "METH_CONNECT": "method CONNECT",
        "METH_DELETE": "method DELETE",
        "METH_GET": "method GET HEAD",
        "METH_HEAD": "method HEAD",
        "METH_OPTIONS": "method OPTIONS",
        "METH_POST": "method POST",
        "METH_PUT": "method PUT",
        "METH_TRACE": "method TRACE",
        "RDP_COOKIE": "req.rdp_cookie_cnt gt 0",
        "REQ_CONTENT": "req.len gt 0",
        "TRUE": "always_true",
        "WAIT_END": "wait_end",
    ]

    /// The file name in the source ranges of their tests.
    static let file = "predefined"

    /// Without a test that the language could write.
    private static let absoluteURL = "HTTP_URL_ABS"

    static var names: [String] { tests.map(\.key) + [absoluteURL] }

    /// The test of that name; nil if none is predefined by it.
    static func criterion(named name: String, _ table: inout ExpressionTable) -> Criterion? {
        if name == absoluteURL {
            return Criterion.absoluteTarget(&table)
        }
        guard let test = tests.first(where: { $0.key == name })?.value else { return nil }
        let place = SourceRange(file: file, line: 1)
        var words = Arguments(
            words: test.split(separator: " ").map { Word(String($0), at: place) }, keyword: Word("acl", at: place))
        do throws(ConfigProblem) {
            return try Criterion(&words, &table) { _ in false }
        } catch {
            preconditionFailure("predefined list \(name): \(error.message)")
        }
    }
}
