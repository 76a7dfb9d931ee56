// Buffered bodies: their keywords, and finding their end.

import Basics
import Configuration
import HTTP
import Testing

@testable import Proxy

@Suite struct BodyProbeTests {
    /// The result after `text` has been examined byte by byte.
    private func look(_ framing: String, at text: String) -> String {
        let pool = BufferPool(blockBytes: 256)
        var buffer = ByteBuffer()
        buffer.acquire(from: pool)
        defer { buffer.release(to: pool) }
        var probe = BodyProbe(framing == "chunked" ? .chunked : .length(UInt64(framing) ?? 0))
        var found = "nothing"
        for byte in text.utf8 {
            let fits = buffer.append(byte: byte)
            #expect(fits)
            switch probe.look(at: buffer) {
            case .whole: found = "whole"
            case .needsMore: found = "needs more"
            case .failed: return "failed"
            }
        }
        return found
    }

    @Test func theEndOfABodyIsFoundWhereItStays() {
        #expect(look("5", at: "1234") == "needs more")
        #expect(look("5", at: "12345") == "whole")
        #expect(look("5", at: "12345GET / HTTP/1.1") == "whole")
        #expect(look("chunked", at: "3\r\nabc\r\n0\r\n\r") == "needs more")
        #expect(look("chunked", at: "3\r\nabc\r\n0\r\n\r\n") == "whole")
        #expect(look("chunked", at: "3\r\nabcd") == "failed")
    }
}

@Suite struct FullResponseBufferTests {
    @Test("What a server said before it closed is not lost while the response's buffer is full")
    func serverClosesBehindAFullBuffer() {
        let body = String(repeating: "x", count: 60_000)
        for size in [1_000, 8_000, 20_000, 40_000] {
            let played = play(
                "timeout client 60s", "timeout server 60s", backend: "response-buffer \(size)",
                client: [.says("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), .sips(3_000, every: 1)],
                server: [
                    .hears("\r\n\r\n"), .says("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n\(body)"), .leaves,
                ])
            #expect(played.end == "200 --", "response-buffer \(size)")
            #expect(played.clientGot.hasSuffix(body), "response-buffer \(size)")
        }
    }
}

@Suite struct BodyBufferingKeywordTests {
    private let place = SourceRange(file: "test.cfg", line: 1)

    private func read(_ lines: String...) throws -> ProxySettings {
        var draft = Draft(kind: .backend, name: "test", range: place)
        for line in lines {
            var words = line.split(separator: " ").map { Word(String($0), at: place) }
            let isNegated = words[0].text == "no"
            if isNegated { words.removeFirst() }
            let keyword = try #require(
                BodyBufferingKeywords.table.first {
                    words.map(\.text).starts(with: $0.name.split(separator: " ").map(String.init))
                })
            words.removeFirst(keyword.name.split(separator: " ").count)
            var arguments = Arguments(words: words, keyword: Word(keyword.name, at: place), isNegated: isNegated)
            try keyword.parse(&arguments, &draft)
            #expect(arguments.isAtEnd, "\(line)")
        }
        return draft[ProxySettings.self]
    }

    private func mistake(_ line: String) -> String {
        do {
            _ = try read(line)
            return "none"
        } catch {
            return (error as? ConfigProblem)?.message ?? "\(error)"
        }
    }

    @Test func theBuffersOfABackend() throws {
        let settings = try read(
            "request-buffer 64k spill /tmp 100m", "response-buffer 1m", "option http-buffer-request")
        #expect(
            settings.requestBuffer
                == BodyBuffering(memoryBytesMax: 65_536, spill: .init(directory: "/tmp", bytesMax: 104_857_600)))
        #expect(settings.requestBuffer?.bytesMax == 104_857_600)
        #expect(settings.responseBuffer == BodyBuffering(memoryBytesMax: 1 << 20))
        #expect(settings.responseBuffer?.bytesMax == 1 << 20)
        #expect(settings.buffersRequests)
    }

    @Test func whatDefaultsSayCanBeTakenBack() throws {
        let settings = try read(
            "request-buffer 64k", "no request-buffer", "response-buffer 64k", "no response-buffer",
            "option http-buffer-request", "no option http-buffer-request")
        #expect(settings.requestBuffer == nil && settings.responseBuffer == nil && !settings.buffersRequests)
    }

    @Test func mistakesAreNamed() {
        #expect(mistake("request-buffer") == "'request-buffer' lacks an argument")
        #expect(mistake("request-buffer 0") == "a buffer of 0 bytes holds nothing")
        #expect(mistake("request-buffer 1k spill") == "'request-buffer' lacks an argument")
        #expect(
            mistake("request-buffer 1k spill /nowhere 1m")
                == "cannot make a file in '/nowhere': No such file or directory")
        #expect(mistake("response-buffer 1k spill /tmp 1k") == "the maximum of 1024 bytes leaves nothing for a file")
    }
}
