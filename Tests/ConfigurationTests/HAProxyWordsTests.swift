// What HAProxy has inside of lines is told from what nobody has.

import Configuration
import Testing

@Suite struct HAProxyWordsTests {
    private func refusal(_ name: String, _ kind: HAProxyWords.Kind) -> String? {
        HAProxyWords.refusal(of: name, as: kind, at: SourceRange(file: "t.cfg", line: 1))?.message
    }

    @Test(arguments: [
        ("proto", HAProxyWords.Kind.bindParameter), ("slowstart", .serverParameter), ("url_param", .algorithm),
        ("hdr(Host)", .algorithm), ("random(2)", .algorithm), ("req.cook", .sample), ("src_conn_rate", .sample),
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
        #expect(refusal(name, kind) == "'\(name)' is known to HAProxy, but Portico has no TLS yet")
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
            words: [Word("source", at: SourceRange(file: "t.cfg", line: 1, column: 9))],
            keyword: Word("balance", at: SourceRange(file: "t.cfg", line: 1)))
        let problem = #expect(throws: ConfigProblem.self) {
            try arguments.choice("an algorithm", of: ["roundrobin": 1, "leastconn": 2])
        }
        #expect(problem?.message == "'source' is known to HAProxy, but Portico does not do it yet")
        #expect(problem?.expected == "one of roundrobin, leastconn")
    }

    @Test func `words about what Portico has not are ignored for that reason`() {
        #expect(
            load("global\n tune.ssl.default-dh-param 2048\n tune.h2.max-frame-size 5\n tune.idletimer 1\nlisten a\n")
                .complaints == [
                    "2:2: warning: 'tune.ssl.default-dh-param' is ignored: Portico has no TLS yet to which it could apply",
                    "3:2: warning: 'tune.h2.max-frame-size' is ignored: Portico has no HTTP/2 yet to which it could apply",
                    "4:2: warning: 'tune.idletimer' is ignored: Portico tunes this itself",
                ])
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
