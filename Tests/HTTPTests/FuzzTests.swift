// Random mutations of corpus messages, from a seed that a failure prints.
// The parsers must never trap, and their result must not depend on how the input is split.

import Chance
import Testing

@testable import HTTP

/// Corpus messages cut and joined at random: nothing traps, and the result does not depend on how the input is split.
@Suite struct FuzzTests {
    private static let rounds = 6_000

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func mutatedMessagesAreReadTheSameInEverySlicing(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let corpus = CorpusCase.everything.filter { $0.message.count < 1_000 }
        for round in 0..<Self.rounds {
            let file = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            let other = corpus[Int.random(in: 0..<corpus.count, using: &random)]
            let bytes = mutated(file.message, other.message, &random)
            let whole = read(file.kind, bytes, limits: file.limits)
            let cuts = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                Int.random(in: 0...bytes.count, using: &random)
            }
            let sliced = read(file.kind, bytes, cuts: cuts.sorted(), limits: file.limits)
            if sliced != whole {
                let place = "seed \(seed) round \(round): \(escaped(bytes)) cut at \(cuts.sorted())"
                Issue.record("\(place): \(sliced) instead of \(whole)")
                return
            }
        }
    }

    /// Fragments on which implementations disagree.
    private static let tokens = [
        #"\r\n"#, #"\n"#, #"\r"#, #"\0"#, " ", #"\t"#, ":", ",", ";", "0", "chunked",
        #"Transfer-Encoding: chunked\r\n"#,
        #"Content-Length: 5\r\n"#, #"Host: b\r\n"#, #"\r\n\r\n"#, #"0\r\n\r\n"#, "ffffffffffffffff", #"\xff"#, #"\x0b"#,
        " HTTP/1.1", "http://a", "*", "#", "[", "]", "%", "@", #"X: y\r\n"#, #"HTTP/1.1 200 OK\r\n"#,
    ].map(unescaped)

    private func mutated(_ message: [UInt8], _ other: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = message
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...8, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.replaceSubrange(place..<end, with: [])
            case 1: bytes.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: place)
            case 2: bytes.replaceSubrange(place..<end, with: Self.tokens.randomElement(using: &random) ?? [])
            case 3: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            default: bytes = Array(bytes[..<place]) + other[min(place, other.count)...]
            }
        }
        return bytes
    }
}
