// The bodies for rules that look into them: what of one is in its sender's buffer when they are run, out of its
// framing. It stays in the buffer, and goes on from there. Where no rule asks, nothing is copied.

internal import Basics
internal import HTTP
internal import Rules

extension Exchange {
    /// Lets the rules of a section see what is here of the body.
    func showBody(to rules: SectionRules) {
        guard rules.looksIntoBodies else { return }
        facts.requestBody.removeAll(keepingCapacity: true)
        guard !requestBody.isComplete else { return }
        Self.copyBody(in: client.input, BodyDecoder(requestFraming), to: &facts.requestBody)
    }

    private var looksIntoResponseBodies: Bool {
        frontend.rules.looksIntoResponseBodies || backend?.rules.looksIntoResponseBodies == true
    }

    /// Lets rules see what is here of the server's body.
    func showResponseBody() {
        guard looksIntoResponseBodies else { return }
        if responseKind == .file { return showAnswerBody() }
        facts.responseBody.removeAll(keepingCapacity: true)
        guard case .body(let framing) = responseKind, let connection else { return }
        Self.copyBody(in: connection.input, BodyDecoder(framing, lenient: true), to: &facts.responseBody)
    }

    /// Lets rules see the body of an answer of our own; a file's they do not.
    func showAnswerBody() {
        guard looksIntoResponseBodies else { return }
        if case .bytes(let bytes, _) = answer { facts.responseBody = bytes } else { facts.responseBody = [] }
    }

    private static func copyBody(in input: borrowing ByteBuffer, _ decoder: BodyDecoder, to out: inout [UInt8]) {
        var decoder = decoder
        var seen = 0
        while !decoder.isComplete {
            switch decoder.next(input.readable.extracting(seen..<input.count)) {
            case .data(let skip, let count):
                out.append(input.readable.extracting(seen + skip..<seen + skip + count))
                seen += skip + count
            case .trailers(let skip, let count): seen += skip + count
            // What is wrong with it is found when the body is passed on.
            case .needMore, .end, .failed: return
            }
        }
    }
}
