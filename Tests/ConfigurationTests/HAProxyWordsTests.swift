// Words of HAProxy are distinguished from unknown words.

import Configuration
import Testing

@Suite struct HAProxyWordsTests {
    private func refusal(_ name: String, _ kind: HAProxyWords.Kind) -> String? {
        HAProxyWords.refusal(of: name, as: kind, at: SourceRange(file: "t.cfg", line: 1))?.message
    }

    @Test(arguments: [
        ("proto", HAProxyWords.Kind.bindParameter), ("slowstart", .serverParameter), ("sticky", .algorithm),
        ("log-hash(a)", .algorithm), ("req.cook", .sample), ("src_conn_rate", .sample),
        ("sc0_http_req_rate", .criterion), ("url_param_beg", .criterion), ("cook_reg", .criterion),
        ("req.ssl_sni", .criterion), ("internal.htx.data", .sample), ("fs.id", .criterion), ("map_reg", .converter),
        ("table_gpc0", .converter), ("sha1", .converter),
    ])
    func `what the manual has is not yet done`(_ name: String, _ kind: HAProxyWords.Kind) {
        #expect(refusal(name, kind) == "'\(name)' is known to HAProxy, but Portico does not do it yet")
    }

    @Test(arguments: [
        ("ssl", HAProxyWords.Kind.bindParameter), ("crt-list", .bindParameter), ("sni", .serverParameter),
        ("check-ssl", .serverParameter), ("ssl_fc_new", .sample), ("ssl_c_new", .criterion),
    ])
    func `what belongs to TLS is said to`(_ name: String, _ kind: HAProxyWords.Kind) {
        #expect(refusal(name, kind) == "'\(name)' is known to HAProxy, but Portico's TLS does not do it yet")
    }

    @Test(arguments: [
        ("crt-list", HAProxyWords.Kind.serverParameter), ("verifyhost", .bindParameter), ("leastcon", .algorithm),
        ("src_con_rate", .sample), ("", .sample), ("_", .criterion), ("lowr", .converter), ("path_bge", .criterion),
    ])
    func `a slip of the finger is none of them`(_ name: String, _ kind: HAProxyWords.Kind) {
        #expect(refusal(name, kind) == nil)
    }

    @Test func `an algorithm that is not done yet comes with those that are`() {
        var arguments = Arguments(
            words: [Word("sticky", at: SourceRange(file: "t.cfg", line: 1, column: 9))],
            keyword: Word("balance", at: SourceRange(file: "t.cfg", line: 1)))
        let problem = #expect(throws: ConfigProblem.self) {
            try arguments.choice("an algorithm", of: ["roundrobin": 1, "leastconn": 2])
        }
        #expect(problem?.message == "'sticky' is known to HAProxy, but Portico does not do it yet")
        #expect(problem?.expected == "one of roundrobin, leastconn")
    }

    @Test func `words that do no harm without effect are accepted without a warning, which would be fatal under -dW`() {
        let lines = [
            "tune.ssl.default-dh-param 2048", "tune.h2.max-frame-size 5", "tune.idletimer 1", "tune.lua.openlibs none",
            "thread-groups 1", "cpu-map auto:1/1-4 0-3", "numa-cpu-mapping", "no numa-cpu-mapping",
            "cpu-set drop-cpu 0",
            "cpu-policy performance", "master-worker", "expose-experimental-directives",
            "insecure-fork-wanted",
        ]
        #expect(load("global\n" + lines.map { " \($0)\n" }.joined() + "listen a\n").complaints == [])
        #expect(load("listen a\n thread-groups 1\n").complaints.count == 1)
        #expect(load("global\n tune.idletmer 1\nlisten a\n").complaints.count == 1)
    }

    @Test(arguments: [
        "tune.http.logurilen 2000", "tune.http.cookielen 100", "tune.vars.proc-max-size 10",
        "nbproc 2",
    ])
    func `words without effect on which a file may count are warned about`(line: String) {
        let complaints = load("global\n \(line)\nlisten a\n").complaints
        let name = line.split(separator: " ")[0]
        #expect(complaints.count == 1 && complaints[0].hasPrefix("2:2: warning: '\(name)' is ignored: "))
    }

    @Test(arguments: [
        ("interval", "inter"), ("wei", "weight"), ("chekc", "check"), ("in", nil), ("xyzzy", nil),
    ])
    func `a parameter that goes on or breaks off is meant too`(_ typed: String, _ meant: String?) {
        let mark = meant.map { "; did you mean '\($0)'?" } ?? ""
        #expect(
            load("backend a\n server s :80 \(typed)\n").complaints
                == ["2:15: error: unknown parameter '\(typed)' of 'server'\(mark)"])
    }
}
