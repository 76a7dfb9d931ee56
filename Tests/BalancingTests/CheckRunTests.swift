// Check scripts without sockets: what they send, what they make of answers cut at every byte, and what their results say.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

/// One check of the server of these lines, and what it is told.
struct CheckTranscript {
    let backend: Backend
    private let pool = BufferPool()
    private let now = Instant(nanoseconds: 1_000_000_000)
    /// What the server does on its connections, one after another.
    private let visits: [Visit]

    /// One connection: what the server says at once, and behind each question; then it closes, or stays silent.
    struct Visit {
        var greeting: [UInt8] = []
        var answers: [[UInt8]] = []
        var closes = true

        init(_ greeting: String = "", _ answers: String..., closes: Bool = true) {
            self.init(Array(greeting.utf8), answers.map { Array($0.utf8) }, closes: closes)
        }

        init(_ greeting: [UInt8], _ answers: [[UInt8]], closes: Bool = true) {
            self.greeting = greeting
            self.answers = answers
            self.closes = closes
        }
    }

    init(_ lines: String, _ visits: Visit..., sourceLocation: SourceLocation = #_sourceLocation) throws {
        self.visits = visits
        backend = try settings(lines, "server s 127.0.0.1:80 check", sourceLocation: sourceLocation).backend()
    }

    /// Plays the check, with answers in pieces of `size` bytes. Returns what was sent on each connection, where it went, and the result.
    func play(piecesOf size: Int = .max) -> (sent: [[UInt8]], places: [String], result: CheckResult?) {
        let server = backend.servers[0]
        guard let plan = server.check else { return ([], [], nil) }
        let context = plan.script.needsContext ? CheckRun.makeContext(nil) : nil
        var run = CheckRun(plan, of: server, in: backend, context: context)
        var sent: [[UInt8]] = []
        var places: [String] = []
        var input = ByteBuffer()
        input.acquire(from: pool)
        defer { input.release(to: pool) }
        var visit = Visit()
        var unread: ArraySlice<UInt8> = []
        var end = CheckRun.InputEnd.open
        while true {
            switch run.advance(&input, end, at: now) {
            case .finished(let result): return (sent, places, result)
            case .connect(let route):
                input.consume(input.count)
                places.append(route.target(for: server.address)?.description ?? "nowhere")
                visit = places.count <= visits.count ? visits[places.count - 1] : Visit()
                unread = visit.greeting[...]
                end = .open
                sent.append([])
                run.connected(isEncrypted: false, speaksHTTP2: false)
                continue
            case .converse: break
            }
            let question = written(&run)
            if !question.isEmpty {
                sent[sent.count - 1] += question
                if !visit.answers.isEmpty { unread += visit.answers.removeFirst() }
                continue
            }
            input.compact()
            if input.room == 0 {
                end = .full
            } else if unread.isEmpty {
                if !visit.closes || end == .ended { return (sent, places, run.timedOut) }
                end = .ended
            } else {
                let piece = Array(unread.prefix(min(size, input.room)))
                let fits = input.append(piece)
                #expect(fits)
                unread = unread.dropFirst(piece.count)
                end = .open
            }
        }
    }

    private func written(_ run: inout CheckRun) -> [UInt8] {
        var out = ByteBuffer()
        out.acquire(from: pool)
        defer { out.release(to: pool) }
        var bytes: [UInt8] = []
        repeat {
            out.consume(out.count)
            run.write(to: &out)
            for i in 0..<out.count { bytes.append(out.readable[i]) }
        } while !out.isEmpty
        return bytes
    }

    /// The result in words, which is the same however the answer is cut.
    func words(sourceLocation: SourceLocation = #_sourceLocation) -> String {
        let whole = Self.words(play().result)
        for size in [1, 2, 7] {
            #expect(
                Self.words(play(piecesOf: size).result) == whole, "pieces of \(size)", sourceLocation: sourceLocation)
        }
        return whole
    }

    /// What was sent, as text.
    var questions: [String] { play().sent.map { String(decoding: $0, as: UTF8.self) } }

    static func words(_ result: CheckResult?) -> String {
        guard let result else { return "none" }
        return [
            "\(result.outcome)", result.code.rawValue, result.status.map { "\($0)" },
            result.info.isEmpty ? nil : result.info,
        ]
        .compactMap { $0 }.joined(separator: " ")
    }
}

@Suite struct CheckRunTests {
    typealias Visit = CheckTranscript.Visit

    private func tcp(_ lines: String...) -> String { (["option tcp-check"] + lines).joined(separator: "\n    ") }

    // MARK: Bytes

    @Test func `without steps, and with mere connections, connecting is all`() throws {
        #expect(try CheckTranscript("option tcp-check", Visit()).words() == "passed L4OK")
        let twice = try CheckTranscript(
            tcp("tcp-check connect port 81", "tcp-check connect addr 127.0.0.9 port 82"), Visit(), Visit())
        #expect(twice.words() == "passed L4OK (tcp-check)")
        #expect(twice.play().places == ["127.0.0.1:81", "127.0.0.9:82"])
    }

    @Test func `steps are played in order, on one connection or several`() throws {
        let check = try CheckTranscript(
            tcp(
                "tcp-check connect", "tcp-check expect string hello", #"tcp-check send PING\r\n"#,
                "tcp-check expect string +PONG", "tcp-check connect port 81", "tcp-check send-binary 00fF41",
                "tcp-check expect binary 0102"),
            Visit("hello\r\n", "+PONG\r\n"), Visit([], [[0, 1, 2, 3]]))
        #expect(check.words() == "passed L7OK (tcp-check)")
        #expect(check.play().sent == [Array("PING\r\n".utf8), [0, 0xFF, 0x41]])
        #expect(check.play().places == ["127.0.0.1:80", "127.0.0.1:81"])
    }

    @Test(arguments: [
        ("string world", "hello world", "passed L7OK (tcp-check)"),
        (
            "string nobody", "hello",
            "failed L7RSP the answer has not what it must have at step 1 of tcp-check (expect string 'nobody')"
        ),
        ("! string error", "all well", "passed L7OK (tcp-check)"),
        (
            "!string error", "an error",
            "failed L7RSP the answer has what it must not have at step 1 of tcp-check (expect string 'error')"
        ),
        (#"rstring "^2[0-9]{2} ""#, "220 smtp", "passed L7OK (tcp-check)"),
        (#"! rstring "^5""#, "220 smtp", "passed L7OK (tcp-check)"),
        (
            #"rstring "^5""#, "220 smtp",
            "failed L7RSP the answer has not what it must have at step 1 of tcp-check (expect regex)"
        ),
        (#"rbinary "^3232""#, "220", "passed L7OK (tcp-check)"),
        (
            "string x comment 'the banner'", "y",
            "failed L7RSP the answer has not what it must have at step 1 of tcp-check (expect string 'x') comment: 'the banner'"
        ),
        ("string x", "", "failed L7RSP TCPCHK got an empty response at step 1"),
        (
            "error-status L7STS tout-status L6TOUT string x", "y",
            "failed L7STS the answer has not what it must have at step 1 of tcp-check (expect string 'x')"
        ),
        ("ok-status L6OK string x", "x", "passed L6OK (tcp-check)"),
        ("ok-status L7OKC string x", "x", "conditionallyPassed L7OKC (tcp-check)"),
        ("on-success %[str(fine)] string x", "x", "passed L7OK fine"),
        ("on-error %[str(sick)] status-code int(7) string x", "y", "failed L7RSP 7 sick"),
    ])
    func `what is expected is looked for in all that has come`(_ line: String, _ answer: String, _ verdict: String)
        throws
    {
        let check = try CheckTranscript(tcp("tcp-check expect \(line)"), Visit(answer))
        #expect(check.words() == verdict)
    }

    @Test func `what is not there yet is waited for, unless min-recv says what is enough`() throws {
        let silent = try CheckTranscript(
            tcp("tcp-check connect", "tcp-check expect ! rstring ^error"), Visit("valid", closes: false))
        #expect(silent.words() == "failed L7TOUT at step 2 of tcp-check (expect regex)")
        let enough = try CheckTranscript(
            tcp("tcp-check connect", "tcp-check expect min-recv 5 ! rstring ^error"), Visit("valid", closes: false))
        #expect(enough.words() == "passed L7OK (tcp-check)")
        let conclusive = try CheckTranscript(
            tcp("tcp-check expect min-recv 2 string valid", "tcp-check expect string d"),
            Visit("inval1d", closes: false))
        #expect(CheckTranscript.words(conclusive.play().result).hasPrefix("failed L7RSP"))
    }

    @Test func `a flood is looked at as far as a buffer holds it`() throws {
        let flood = String(repeating: "x", count: 1 << 20)
        let check = try CheckTranscript(tcp("tcp-check expect string needle"), Visit(flood + "needle"))
        #expect(
            CheckTranscript.words(check.play().result).hasPrefix("failed L7RSP the answer has not what it must have"))
    }

    @Test func `variables live as long as the check, and formats know the server`() throws {
        let check = try CheckTranscript(
            tcp(
                "tcp-check set-var(check.word) str(hello)", "tcp-check connect",
                "tcp-check set-var-fmt(check.line) %[var(check.word)]-%[be_name]/%[srv_name]",
                #"tcp-check send-lf "%[var(check.line)]""#, "tcp-check unset-var(check.word)",
                #"tcp-check send-lf "<%[var(check.word)]>""#, #"tcp-check send-binary-lf "4%[str(1)]""#,
                #"tcp-check expect string-lf "%[var(check.line)]!""#),
            Visit("", "", "", "hello-app/s!"))
        #expect(check.words() == "passed L7OK (tcp-check)")
        #expect(check.questions == ["hello-app/s<>A"])
    }

    // MARK: HTTP

    private func http(_ lines: String...) -> String { (["option httpchk"] + lines).joined(separator: "\n    ") }
    private let ok = "HTTP/1.1 200 Fine\r\ncontent-length: 5\r\nx-a: one, two\r\nX-B: three\r\n\r\nhello"

    @Test(arguments: [
        ("status 200", "passed L7OK 200"), ("! status 200-299", "failed L7STS 200 Fine"),
        ("rstatus ^2", "passed L7OK 200"), ("rstatus ^3", "failed L7STS 200 Fine"),
        ("string ell", "passed L7OK 200"), ("rstring ^hel+o$", "passed L7OK 200"),
        (
            "string nobody",
            "failed L7RSP 200 the answer has not what it must have at step 1 of http-check (expect string 'nobody')"
        ),
        (
            "! string ell",
            "failed L7RSP 200 the answer has what it must not have at step 1 of http-check (expect string 'ell')"
        ),
        ("hdr name x-A value two", "passed L7OK 200"), ("fhdr name x-a value two", "failed L7STS 200 Fine"),
        ("fhdr name x-a value -m end two", "passed L7OK 200"), ("hdr name -m beg X-", "passed L7OK 200"),
        ("hdr name -m reg ^X-[AB]$ value -m sub hre", "passed L7OK 200"), ("hdr name x-c", "failed L7STS 200 Fine"),
        ("! hdr name x-c", "passed L7OK 200"), ("hdr name-lf %[str(x-b)] value-lf %[str(three)]", "passed L7OK 200"),
        ("error-status L7OKC status 500", "conditionallyPassed L7OKC 200 Fine"),
    ])
    func `an answer's status, fields and content are judged`(_ line: String, _ verdict: String) throws {
        let check = try CheckTranscript(http("http-check expect \(line)"), Visit("", ok))
        #expect(check.words() == verdict)
    }

    @Test func `content is read out of its framing, and has to be whole`() throws {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        let line = http("http-check expect ! string error")
        #expect(try CheckTranscript(line, Visit("", chunked, closes: false)).words() == "passed L7OK 200")
        let cut = String(chunked.dropLast(2))
        #expect(
            try CheckTranscript(line, Visit("", cut)).words()
                == "failed L7RSP 200 the answer stops before the end of its content at step 1 of http-check (expect string 'error')"
        )
        let none = "HTTP/1.1 204 No\r\n\r\n"
        #expect(
            try CheckTranscript(line, Visit("", none)).words().hasPrefix("failed L7RSP 204 the answer has no content"))
        let endless = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 1 << 20)
        #expect(
            CheckTranscript.words(try CheckTranscript(line, Visit("", endless)).play().result) == "passed L7OK 200",
            "as much as a head may have is looked at")
    }

    @Test func `several requests go over connections of their own`() throws {
        let check = try CheckTranscript(
            http(
                "http-check connect", "http-check set-var(check.path) str(/one)",
                #"http-check send meth GET uri-lf "%[var(check.path)]" ver HTTP/1.1 hdr x-b "backend=%[be_name]""#,
                "http-check expect status 200", "http-check connect port 81",
                #"http-check send uri /two body-lf "from %[srv_name]""#),
            Visit("", ok), Visit("", "HTTP/1.1 404 No\r\n\r\n"))
        #expect(check.words() == "failed L7STS 404 No")
        let questions = check.questions
        #expect(questions.count == 2)
        #expect(questions[0].hasPrefix("GET /one HTTP/1.1\r\n") && questions[0].contains("\r\nx-b: backend=app\r\n"))
        #expect(questions[1].hasPrefix("OPTIONS /two HTTP/1.0\r\n"))
        #expect(questions[1].contains("content-length: 6\r\n") && questions[1].hasSuffix("\r\n\r\nfrom s"))
    }

    @Test func `a 404 drains a server that is up`() throws {
        let check = try CheckTranscript(
            http("http-check disable-on-404", "http-check expect status 200"), Visit("", "HTTP/1.1 404 No\r\n\r\n"))
        let result = try #require(check.play().result)
        #expect(CheckTranscript.words(result) == "conditionallyPassed L7OKC 404")
        let backend = check.backend
        #expect(backend.record(result, of: backend.servers[0], at: Instant(nanoseconds: 2)) == nil)
        #expect(backend.servers[0].state.health == .draining && backend.choose() == nil)
        #expect(backend.servers[0].state.isUsable)
        _ = backend.record(CheckResult(.passed, .layer7OK), of: backend.servers[0], at: Instant(nanoseconds: 3))
        #expect(backend.servers[0].state.health == .up && backend.choose()?.name == "s")
    }

    @Test func `a server that is down is not drained, but stays down`() throws {
        let check = try CheckTranscript(
            http("http-check disable-on-404"), Visit("", "HTTP/1.1 404 No\r\n\r\n"))
        let server = check.backend.servers[0]
        for _ in 1...3 {
            _ = check.backend.record(CheckResult(.failed, .layer4Connection), of: server, at: Instant(nanoseconds: 2))
        }
        #expect(server.state.health == .down && check.words() == "failed L7STS 404 No")
    }

    @Test func `send-state tells the server how it is seen`() throws {
        let check = try CheckTranscript(http("http-check send-state"), Visit("", ok))
        let field = check.questions[0].split(separator: "\r\n").first { $0.hasPrefix("x-haproxy-server-state: ") }
        #expect(
            field?.hasPrefix("x-haproxy-server-state: UP; address=127.0.0.1; port=80; name=app/s; node=") == true
                && field?.hasSuffix("; weight=1/1; scur=0/0; qcur=0") == true)
    }
}
