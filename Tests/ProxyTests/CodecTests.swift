// What connections speak: the operations that have an answer for bytes without messages, and the change from bytes to requests.

import Basics
import HTTP
import Testing

@testable import Proxy

@Suite struct CodecTests {
    @Test func `a client in TCP mode has counts, and an end`() {
        var codec = ClientCodec(.tcp, limits: HeadLimits())
        #expect(!codec.speaksHTTP && !codec.keepsAlive && !codec.endsByClosing && codec.isClientDone)
        #expect(!codec.takesInterim && !codec.marksEnds)
        codec.countReceived(7)
        codec.countSent(11)
        codec.endAfterResponse()
        #expect(codec.bytesReceived == 7 && codec.bytesSent == 11)
        codec.reset()
        #expect(codec.bytesReceived == 0 && codec.bytesSent == 0)
    }

    @Test func `what was counted before a connection becomes HTTP stays counted`() throws {
        let pool = BufferPool()
        var input = ByteBuffer()
        input.acquire(from: pool)
        let fits = input.append("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        #expect(fits)
        var codec = ClientCodec(.tcp, limits: HeadLimits())
        codec.countReceived(4)
        codec.becomeHTTP()
        #expect(codec.kind == .http1)
        var head = RequestHead()
        guard case .complete = codec.readHead(from: &input, into: &head) else {
            Issue.record("the head is whole")
            return
        }
        #expect(try codec.headComplete(head).get() == .known(3))
        #expect(codec.keepsAlive && !codec.isClientDone && codec.bytesReceived == 4 + 47)
        codec.endAfterResponse()
        #expect(!codec.keepsAlive)
        input.release(to: pool)
    }

    @Test func `a connection to a server in TCP mode is never reused`() {
        var codec = ServerCodec(.tcp)
        codec.forbidReuse()
        #expect(!codec.allowsReuse && !codec.responseHasBegun && !codec.mayHaveTrailers)
    }

    @Test func `heads on a connection without messages are a fault of the program`() async {
        await #expect(processExitsWith: .failure) {
            var codec = ClientCodec(.tcp, limits: HeadLimits())
            codec.refuseHead(RequestHead())
        }
        await #expect(processExitsWith: .failure) {
            var codec = ServerCodec(.tcp)
            codec.interimComplete()
        }
    }
}
