// The words of `global` about HTTP/2: what connections announce to their peers, and what peers may do.

internal import Configuration
internal import HTTP

enum HTTP2Keywords {
    static let table: [Keyword] = windows + streams + memory + defences + others

    private typealias Side = any (WritableKeyPath<HTTP2Settings, HTTP2Settings.Side> & Sendable)
    private typealias Field = any (WritableKeyPath<HTTP2Settings, Int?> & Sendable)

    // MARK: What SETTINGS announce

    private static let windows: [Keyword] = [
        window("tune.h2.initial-window-size", \.both.initialWindow, "65536 by default. For both sides."),
        window(
            "tune.h2.fe.initial-window-size", \.frontend.initialWindow, "As tune.h2.initial-window-size, for clients."),
        window(
            "tune.h2.be.initial-window-size", \.backend.initialWindow, "As tune.h2.initial-window-size, for servers."),
        number(
            "tune.h2.header-table-size", "<bytes>", HTTP2Limits.headerTableSizes, \.headerTableSize,
            "Bytes of the table that peers may compress the heads of their messages with: 4096 by default."),
        number(
            "tune.h2.max-frame-size", "<bytes>",
            HTTP2Limits.smallestMaxFrameSize...HTTP2Limits.greatestMaxFrameSize, \.maxFrameSize,
            "Bytes of the longest frame that peers may send: tune.bufsize by default and at most, but never less than 16384."
        ),
    ]

    private static func window(_ name: String, _ field: Field, _ summary: String) -> Keyword {
        number(
            name, "<bytes>", 0...HTTP2Limits.greatestWindow, field,
            "Bytes of a body that a peer may send on a stream before Portico has taken some. More is allowed while there is room: see "
                + "tune.h2.fe.rxbuf. " + summary)
    }

    private static let streams: [Keyword] = [
        number(
            "tune.h2.max-concurrent-streams", "<number>", 0...HTTP2Limits.unlimitedStreams, \.both.maxConcurrentStreams,
            "Requests that one connection carries at a time, on both sides: 100 by default; 0: any number."),
        Keyword(
            "tune.h2.fe.max-concurrent-streams", in: .global,
            usage: "tune.h2.fe.max-concurrent-streams <number> [rq-load <number>|auto|ignore] [min <number>]",
            summary:
                "As tune.h2.max-concurrent-streams, for clients. rq-load and min have no effect: a worker has no queue of tasks "
                + "whose length could be looked at."
        ) { (args, draft) throws(ConfigProblem) in
            let streams = try args.integer("a number", in: 0...HTTP2Limits.unlimitedStreams)
            draft[HTTP2Settings.self].frontend.maxConcurrentStreams = streams
            try skipLoad(&args, streams: streams)
        },
        number(
            "tune.h2.be.max-concurrent-streams", "<number>", 0...HTTP2Limits.unlimitedStreams,
            \.backend.maxConcurrentStreams,
            "As tune.h2.max-concurrent-streams, for servers, which may allow fewer."),
        number(
            "tune.h2.fe.max-total-streams", "<number>", 0...HTTP2Limits.unlimitedStreams, \.frontend.totalStreamsMax,
            "Requests after which a client is asked to open another connection; those that it has sent by then are answered. "
                + "0, the default, for any number."),
    ]

    /// Reads what moderates the number of streams in HAProxy.
    private static func skipLoad(_ args: inout Arguments, streams: Int) throws(ConfigProblem) {
        while let word = args.nextIfPresent() {
            switch word.text {
            case "rq-load":
                let load = try args.next("a load, auto or ignore")
                if !["auto", "ignore"].contains(load.text) { _ = try load.integer("a load", in: 1...Int(Int32.max)) }
                if load.text != "ignore" {
                    args.notice("'rq-load' has no effect: the number of streams does not vary with the load", at: word)
                }
            case "min": _ = try args.integer("a number of streams", in: 1...max(1, streams))
            default:
                throw args.problem("unexpected word '\(word.text)'", at: word, expected: "rq-load, min or nothing")
            }
        }
    }

    // MARK: Memory

    private static let memory: [Keyword] = [
        received("tune.h2.fe.rxbuf", \.frontend, "A client that sends one long body gets a wide window by it."),
        received("tune.h2.be.rxbuf", \.backend, "The same for servers."),
    ]

    private static func received(_ name: String, _ side: Side, _ summary: String) -> Keyword {
        Keyword(
            name, in: .global, usage: "\(name) <size>",
            summary:
                "Bytes of bodies that a connection holds at most, in buffers of tune.bufsize that its streams share; each stream has one "
                + "in any case. 1600k by default. " + summary
        ) { (args, draft) throws(ConfigProblem) in
            let word = args.peek
            let bytes = try args.size("a size")
            guard bytes <= 4 << 30 else {
                throw args.problem("\(bytes) bytes are too many", at: word, expected: "4g at most")
            }
            draft[HTTP2Settings.self][keyPath: side].receiveBytesMax = bytes
        }
    }

    // MARK: Defences

    private static let defences: [Keyword] = [
        glitches("tune.h2.fe.glitches-threshold", \.frontend.glitchesMax, "fc_glitches", "a client's"),
        glitches("tune.h2.be.glitches-threshold", \.backend.glitchesMax, "bc_glitches", "a server's"),
        number(
            "tune.h2.fe.max-rst-at-once", "<number>", 0...Int(Int32.max), \.frontend.resetsAtOnceMax,
            "Cancelled requests (RST_STREAM) of one client that are handled in a row, before other connections get their turn. "
                + "0, the default, for any number."),
        frames("tune.h2.fe.max-frames-at-once", \.frontend.framesAtOnceMax, "client"),
        frames("tune.h2.be.max-frames-at-once", \.backend.framesAtOnceMax, "server"),
        Keyword(
            "tune.glitches.kill.cpu-usage", in: .global, usage: "tune.glitches.kill.cpu-usage <percent>",
            summary:
                "How busy a thread is at least when it closes connections with too many glitches: 0, the default, for always."
        ) { (args, draft) throws(ConfigProblem) in
            draft[HTTP2Settings.self].glitchesBusyPercent = try args.integer("a percentage", in: 0...100)
        },
    ]

    private static func glitches(_ name: String, _ field: Field, _ sample: String, _ whose: String) -> Keyword {
        number(
            name, "<number>", 0...Int(Int32.max), field,
            "Faults and oddities (\(sample)) after which \(whose) connection is closed; at three quarters of them the peer is asked "
                + "to open another one. 0, the default, for any number. Ordinary peers cause a few.")
    }

    private static func frames(_ name: String, _ field: Field, _ peer: String) -> Keyword {
        number(
            name, "<number>", 0...Int(Int32.max), field,
            "Frames of one \(peer) that are handled in a row, before other connections get their turn. 0, the default, for any number."
        )
    }

    // MARK: Others

    private static let others: [Keyword] = [
        Keyword(
            "tune.h2.log-errors", in: .global, usage: "tune.h2.log-errors none|connection|stream",
            summary:
                "Which errors of HTTP/2 are logged: those that end a connection, or, by default, those of single requests too."
        ) { (args, draft) throws(ConfigProblem) in
            draft[HTTP2Settings.self].loggedErrors = try args.choice(
                "a kind of errors", of: ["none": .none, "connection": .connection, "stream": .stream])
        },
        Keyword(
            "h2-workaround-bogus-websocket-clients", in: .global, usage: "h2-workaround-bogus-websocket-clients",
            summary:
                "Does not tell clients that WebSockets may go over HTTP/2 (RFC 8441): they open them over HTTP/1.1.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[HTTP2Settings.self].announcesWebSockets = args.isNegated
        },
    ]

    private static func number(
        _ name: String, _ argument: String, _ range: ClosedRange<Int>, _ field: Field, _ summary: String
    ) -> Keyword {
        Keyword(name, in: .global, usage: "\(name) \(argument)", summary: summary) {
            (args, draft) throws(ConfigProblem) in
            draft[HTTP2Settings.self][keyPath: field] = try args.integer("a number", in: range)
        }
    }
}
