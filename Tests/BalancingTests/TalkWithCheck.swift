// A check of a script that a test makes, and a server that says one thing.

import BalancingTesting
import Basics
import Testing

@testable import Balancing

struct TalkWithCheck {
    private let backend: Backend
    private let plan: HealthCheckPlan
    private let speaksHTTP2: Bool
    private let pool = BufferPool()

    init(_ script: CheckScript, speaksHTTP2: Bool = false) throws {
        backend = try settings("server s 127.0.0.1:80 check").backend()
        var plan = try #require(backend.servers[0].check)
        plan.script = script
        self.plan = plan
        self.speaksHTTP2 = speaksHTTP2
    }

    /// The verdict on an answer in pieces of `size` bytes; nil while there is none. With `ended` the server closes behind it.
    func judge(_ bytes: [UInt8], ended: Bool = false, piecesOf size: Int = .max) -> CheckResult? {
        var run = CheckRun(plan, of: backend.servers[0], in: backend)
        var input = ByteBuffer()
        var output = ByteBuffer()
        input.acquire(from: pool)
        output.acquire(from: pool)
        defer {
            input.release(to: pool)
            output.release(to: pool)
        }
        var rest = bytes[...]
        var end = CheckRun.InputEnd.open
        while true {
            switch run.advance(&input, end, at: Instant(nanoseconds: 1_000_000_000)) {
            case .finished(let result): return result
            case .connect:
                run.connected(isEncrypted: false, speaksHTTP2: speaksHTTP2)
                continue
            case .converse: break
            }
            output.consume(output.count)
            run.write(to: &output)
            if !output.isEmpty { continue }
            input.compact()
            if input.room == 0 {
                end = .full
            } else if rest.isEmpty {
                if !ended || end == .ended { return nil }
                end = .ended
            } else {
                let piece = Array(rest.prefix(min(size, input.room)))
                rest = rest.dropFirst(piece.count)
                guard input.append(piece) else { return nil }
                end = .open
            }
        }
    }
}

extension CheckScript {
    /// Its first request.
    var request: HTTPCheck? {
        for case .ask(let check) in steps.map(\.action) { return check }
        return nil
    }

    /// What its first line about statuses expects.
    var statuses: [ClosedRange<Int>]? {
        for case .expect(let expectation) in steps.map(\.action) {
            if case .statuses(let statuses) = expectation.pattern { return statuses }
        }
        return nil
    }
}
