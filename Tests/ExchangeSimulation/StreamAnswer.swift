// What servers say to a request in HTTP/2: answers of every kind, with the request's number in a field.

import Chance
import HTTP

struct StreamAnswer {
    var status = 200
    var fields: [(name: String, value: String)] = []
    var hasInterim = false
    /// Bytes of content; nil if the answer has none by its nature.
    var contentLength: Int?
    /// The head says how long the content is.
    var isLengthTold = true
    var hasTrailers = false
    /// The content is that of a tunnel.
    var isTunnel = false
    /// The stream is reset when so many bytes of content were sent; with -1 before the head.
    var resetAfter: Int?
    var resetCode = HTTP2ErrorCode.internalError

    static func draw(_ head: Head, _ configuration: RoundConfiguration, _ random: inout SeededRandom) -> StreamAnswer {
        var answer = StreamAnswer()
        let id = head.id ?? 0
        answer.fields = [("x-id", "\(id)")]
        answer.hasInterim = random.oneIn(30)
        if configuration.hasFaults, random.oneIn(20) {
            answer.resetAfter = random.oneIn(3) ? -1 : random.number(0...300)
            let codes: [HTTP2ErrorCode] = [.noError, .internalError, .refusedStream, .cancel, .http11Required]
            answer.resetCode = codes.randomElement(using: &random) ?? .cancel
        }
        if head.tunnelLength > 0 {
            if random.oneIn(5) {
                answer.status = 403
            } else {
                let length = Sizes.body(&random)
                answer.fields.append(("x-tunnel", "\(length)"))
                answer.contentLength = length
                answer.isTunnel = true
                return answer
            }
        } else {
            answer.status = [200, 200, 200, 404, 500, 204, 304].randomElement(using: &random) ?? 200
            // A tunnel without a word to be said in it is refused too.
            if head.method == .connect || head.asksForUpgrade { answer.status = 403 }
        }
        answer.drawContent(head, configuration, &random)
        return answer
    }

    private mutating func drawContent(
        _ head: Head, _ configuration: RoundConfiguration, _ random: inout SeededRandom
    ) {
        if random.oneIn(20) { fields.append(("content-type", "text/event-stream")) }
        if random.oneIn(20) { fields.append(("x-accel-buffering", "no")) }
        if configuration.hasFaults, random.oneIn(60) { fields.append(("x-secret", "yes")) }
        if random.oneIn(20) {
            fields.append(("x-filling", String(repeating: "f", count: random.number(1...1_500))))
        }
        guard head.method != .head, status != 204, status != 304 else { return }
        contentLength = Sizes.body(&random)
        isLengthTold = random.oneIn(2)
        hasTrailers = !isLengthTold && random.oneIn(4)
    }

    /// Its head, as HTTP/1.1 has it.
    func fill(_ head: inout ResponseHead) {
        head.setStatus(status)
        for (name, value) in fields { precondition(head.fields.append(name: name, value)) }
    }
}
