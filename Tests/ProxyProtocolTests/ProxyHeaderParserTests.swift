// Runs the corpus: each header whole, split at every byte, and byte by byte.

import Basics
import Chance
import Testing

@testable import ProxyProtocol

@Suite struct ProxyHeaderParserTests {
    private func parse(_ bytes: [UInt8], bytesMax: Int = 4_096) -> ProxyHeaderParser.Outcome {
        unsafe ProxyHeaderParser.parse(bytes.span.bytes, bytesMax: bytesMax)
    }

    /// Parses as a connection would: again when more bytes have arrived. The bytes after a header belong to the client.
    private func parse(_ file: CorpusHeader, cuts: [Int], rest: [UInt8]) -> ProxyHeaderParser.Outcome {
        let bytes = file.bytes + rest
        for end in cuts + [bytes.count] {
            let outcome = parse(Array(bytes[..<end]), bytesMax: file.bytesMax)
            if outcome != .needMore { return outcome }
        }
        return .needMore
    }

    private func inEveryWay(_ file: CorpusHeader) -> ProxyHeaderParser.Outcome {
        let rest = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        let whole = parse(file, cuts: [], rest: rest)
        #expect(parse(file, cuts: Array(0..<file.bytes.count), rest: rest) == whole, "byte by byte")
        for cut in 0..<file.bytes.count {
            #expect(parse(file, cuts: [cut], rest: rest) == whole, "cut at byte \(cut)")
        }
        return whole
    }

    @Test(arguments: CorpusHeader.accepted)
    func accepts(_ file: CorpusHeader) {
        guard case .complete(let header, let count) = inEveryWay(file) else {
            Issue.record("\(inEveryWay(file))")
            return
        }
        guard case .accepted(let ends, let values) = file.expected else { return }
        #expect(count == file.bytes.count)
        #expect((header.ends.map { "\($0.source) \($0.destination)" } ?? "") == ends)
        for (type, _) in values {
            let wanted = values.filter { $0.type == type }.map(\.value)
            let found = header.values.ranges(of: type).map { header.values.bytes[$0] }
            #expect(found.map { String(decoding: $0, as: UTF8.self) } == wanted)
            #expect(header.values.first(type).map { Array($0) } == Array(wanted[0].utf8))
        }
        #expect(header.values.first(0xEF) == nil)
    }

    @Test(arguments: CorpusHeader.refused)
    func refuses(_ file: CorpusHeader) {
        guard case .refused(let fault) = file.expected else { return }
        #expect(inEveryWay(file) == .failed(fault))
    }

    @Test(arguments: CorpusHeader.accepted)
    func asksForMoreUntilTheLastByte(_ file: CorpusHeader) {
        for end in 0..<file.bytes.count {
            #expect(parse(Array(file.bytes[..<end]), bytesMax: file.bytesMax) == .needMore, "\(end) bytes")
        }
    }

    @Test func everyFaultIsInTheCorpus() {
        let faults = CorpusHeader.refused.compactMap { file -> ProxyHeaderFault? in
            if case .refused(let fault) = file.expected { fault } else { nil }
        }
        for fault in ProxyHeaderFault.allCases { #expect(faults.contains(fault), "\(fault)") }
    }

    @Test func somethingElseIsRefusedByItsFirstByteThatNoHeaderHas() {
        #expect(parse(Array("G".utf8)) == .failed(.notAHeader))
        #expect(parse(Array("PROXX".utf8)) == .failed(.notAHeader))
        #expect(parse([0x16]) == .failed(.notAHeader))
        #expect(parse([0x0D, 0x0A, 0x0A]) == .failed(.notAHeader))
    }

    @Test func aHeaderThatIsTooLongIsRefusedByItsLength() {
        #expect(parse(block(length: 4_081)) == .failed(.tooLong))
        #expect(parse(block(length: 4_080)) == .needMore)
    }

    @Test func noByteAndNoCutOfAHeaderTraps() {
        var random = SeededRandom(seed: 1)
        let files = CorpusHeader.all.filter { $0.bytes.count < 300 }
        for _ in 0..<3_000 {
            var bytes = files.randomElement(using: &random)?.bytes ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let place = bytes.indices.randomElement(using: &random) ?? 0
                bytes[place] = .random(in: .min ... .max, using: &random)
            }
            bytes = Array(bytes.prefix(.random(in: 0...bytes.count, using: &random)))
            if case .complete(_, let count) = parse(bytes) { #expect(count <= bytes.count) }
        }
    }
}
