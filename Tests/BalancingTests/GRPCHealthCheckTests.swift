// gRPC's health checking protocol: what is asked, and what is made of answers, cut at every byte.

import Basics
import HTTP
import Testing

@testable import Balancing

@Suite struct GRPCHealthCheckTests {
    /// A field without indexing (RFC 7541 section 6.2.2).
    private func field(_ name: String, _ value: String) -> [UInt8] {
        [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }

    private func head(_ fields: [UInt8] = []) -> [UInt8] {
        frame(1, 4, 1, [0x88] + field("content-type", "application/grpc") + fields)
    }

    private func end(_ fields: [UInt8]) -> [UInt8] { frame(1, 5, 1, fields) }

    /// The verdict on an answer, which is the same however it is cut.
    private func verdict(_ frames: [UInt8], ended: Bool = false) throws -> String {
        let talk = try TalkWithCheck(.askingGRPC(service: []), speaksHTTP2: true)
        let bytes = frame(4) + frames
        let whole = CheckTranscript.words(talk.judge(bytes, ended: ended))
        for size in [1, 2, 7] {
            #expect(
                CheckTranscript.words(talk.judge(bytes, ended: ended, piecesOf: size)) == whole, "pieces of \(size)")
        }
        return whole
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 2, 8, 1], "passed L7OK 200 SERVING"),
            ([0, 0, 0, 0, 2, 8, 2], "failed L7STS 200 NOT_SERVING"),
            ([0, 0, 0, 0, 2, 8, 3], "failed L7STS 200 SERVICE_UNKNOWN"), ([0, 0, 0, 0, 0], "failed L7STS 200 UNKNOWN"),
            // Fields that a later version may have, of each type, before and behind.
            (
                [
                    0, 0, 0, 0, 25, 0x10, 0x80, 1, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x22, 2, 9, 9, 8, 1, 0x2D, 1, 2, 3, 4,
                    0x30, 0,
                ],
                "passed L7OK 200 SERVING"
            ),
            ([0, 0, 0, 0, 2, 8], "failed L7RSP 200 the answer is no message about health"),
            ([1, 0, 0, 0, 2, 8, 1], "failed L7RSP 200 the answer is no message about health"),
            ([0, 0, 0, 0, 1, 8], "failed L7RSP 200 the answer is no message about health"),
            ([0, 0, 0, 0, 2, 0x0B, 1], "failed L7RSP 200 the answer is no message about health"),
            (
                [0, 0, 0, 0, 11] + [8] + [UInt8](repeating: 0xFF, count: 10),
                "failed L7RSP 200 the answer is no message about health"
            ),
            ([], "failed L7RSP 200 the answer is no message about health"),
        ] as [([UInt8], String)])
    func `a message is read as protocol buffers have it`(_ message: [UInt8], _ expected: String) throws {
        #expect(try verdict(head() + frame(0, 0, 1, message) + end(field("grpc-status", "0"))) == expected)
    }

    @Test func `the status of the call decides, and comes with its words`() throws {
        let trailers = field("grpc-status", "5") + field("grpc-message", "unknown service")
        let expected = "failed L7STS 200 gRPC status 5 (NOT_FOUND): unknown service"
        #expect(try verdict(head() + end(trailers)) == expected)
        // Without content all of it is in the head.
        #expect(try verdict(frame(1, 5, 1, [0x88] + trailers)) == expected)
        #expect(
            try verdict(head() + end(field("grpc-status", "12"))) == "failed L7STS 200 gRPC status 12 (UNIMPLEMENTED)")
        for wrong in ["17", "-1", "ok"] {
            #expect(
                try verdict(head() + end(field("grpc-status", wrong))) == "failed L7RSP 200 the answer is not gRPC's")
        }
    }

    @Test func `what is not gRPC fails, and what is not whole`() throws {
        #expect(try verdict(frame(1, 5, 1, [0x88])) == "failed L7RSP 200 the answer is not gRPC's")
        #expect(try verdict(frame(1, 5, 1, [0x8D])).hasPrefix("failed L7STS 404"))
        let begun = head() + frame(0, 0, 1, [0, 0, 0, 0, 2, 8, 1])
        #expect(try verdict(begun) == "none", "the end has to come")
        #expect(try verdict(begun, ended: true) == "failed L7RSP 200 the answer stops before the end of its content")
        // The trailers are missing.
        #expect(
            try verdict(head() + frame(0, 1, 1, [0, 0, 0, 0, 2, 8, 1])) == "failed L7RSP 200 the answer is not gRPC's")
    }

    @Test func `the request names the service`() {
        #expect(GRPCHealthCheck.request([]) == [0, 0, 0, 0, 0])
        #expect(GRPCHealthCheck.request(Array("a.B".utf8)) == [0, 0, 0, 0, 5, 0x0A, 3, 0x61, 0x2E, 0x42])
        let script = CheckScript.askingGRPC(service: Array("a.B".utf8))
        #expect(script.request?.target == "/grpc.health.v1.Health/Check" && script.isHTTP)
    }
}
