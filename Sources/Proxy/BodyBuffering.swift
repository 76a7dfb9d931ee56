// `option http-buffer-request`, `request-buffer` and `response-buffer`: what of a body waits in Portico, so that a
// server does not have to wait for a client.

internal import Configuration
internal import Reactor
internal import SystemPackage

/// How much of one body is held, and where.
struct BodyBuffering: Sendable, Equatable {
    /// Bytes in memory; whole buffers of `tune.bufsize` are used.
    var memoryBytesMax: Int
    /// Where the rest goes; nil if there is to be no rest.
    var spill: Spill?

    struct Spill: Sendable, Equatable {
        var directory: String
        /// Bytes in memory and in the file together.
        var bytesMax: Int
    }

    var bytesMax: Int { spill?.bytesMax ?? memoryBytesMax }
}

enum BodyBufferingKeywords {
    static let table: [Keyword] = [
        Keyword(
            "option http-buffer-request", in: .proxies, usage: "option http-buffer-request",
            summary:
                "Rules and the choice of a server wait until the request's body is here, or a buffer is full of it "
                + "(`tune.bufsize`). `timeout http-request` then bounds this wait too.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].buffersRequests = !args.isNegated
        },
        Keyword(
            "request-buffer", in: .backends, usage: "request-buffer <size> [spill <directory> <max>]",
            summary:
                "Takes a request's whole body before a server is chosen, so that a slow upload occupies none: up to "
                + "`size` in memory, up to `max` in all with an unlinked temporary file in `directory`. More is answered "
                + "with 413. The server gets a Content-Length, whatever the client sent, since WSGI knows no chunks.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].requestBuffer = try BodyBuffering(&args)
        },
        Keyword(
            "response-buffer", in: .backends, usage: "response-buffer <size> [spill <directory> <max>]",
            summary:
                "Takes a response as fast as the server gives it, so that a slow reader does not keep the server: up "
                + "to `size` bytes that the client does not take yet wait in memory, up to `max` in all with an unlinked "
                + "temporary file in `directory`; beyond that the server waits. Server-sent events (text/event-stream) "
                + "and responses with `X-Accel-Buffering: no` are never held.",
            negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].responseBuffer = try BodyBuffering(&args)
        },
    ]
}

extension BodyBuffering {
    /// Reads `<size> [spill <directory> <max>]`; nil behind `no`.
    fileprivate init?(_ args: inout Arguments) throws(ConfigProblem) {
        if args.isNegated { return nil }
        memoryBytesMax = try args.size("a size in bytes, like 64k")
        guard memoryBytesMax > 0 else { throw args.problem("a buffer of 0 bytes holds nothing", suggestion: nil) }
        guard args.skip("spill") else { return }
        let directory = try args.next("a directory")
        if case .failure(let reason) = TemporaryFile.make(in: directory.text) {
            throw args.problem("cannot make a file in '\(directory.text)': \(reason)", at: directory)
        }
        let word = args.peek
        let bytesMax = try args.size("the most that is held in memory and file, like 100m")
        guard bytesMax > memoryBytesMax else {
            throw args.problem(
                "the maximum of \(bytesMax) bytes leaves nothing for a file", at: word,
                expected: "more than the \(memoryBytesMax) bytes that are held in memory")
        }
        spill = Spill(directory: directory.text, bytesMax: bytesMax)
    }
}
