// Field names: those with characters other than letters, digits and hyphens, and those in another case.

import Basics
import Testing

@testable import HTTP

@Suite struct FieldNameTests {
    @Test func unusualNamesAreFoundAndRemoved() {
        var fields = HeaderFields()
        fields.append(.host, "a")
        fields.append(name: "X-Usual-1", "b")
        let isUsual = !fields.hasUnusualNames
        #expect(isUsual)
        for name in ["x_a", "X-B_", "x.c", "x~d", "_"] { fields.append(name: name, "e") }
        let isUnusual = fields.hasUnusualNames
        fields.removeUnusualNames()
        #expect(isUnusual)
        #expect(fields.lines == ["host: a", "x-usual-1: b"])
    }

    @Test func namesOfAWrittenHeadAreAdjusted() {
        var adjustments = CaseAdjustments()
        adjustments.add(Array("content-length".utf8), Array("Content-Length".utf8))
        adjustments.add(Array("x-a".utf8), Array("X-a".utf8))
        let pool = BufferPool(blockBytes: 4_096)
        var out = ByteBuffer()
        out.acquire(from: pool)
        defer { out.release(to: pool) }
        let before = "x-a: stays\r\n"
        let head = "HTTP/1.1 200 x-a: no\r\nx-a: x-a: 1\r\nx-ab: 2\r\ncontent-length: 3\r\n\r\n"
        _ = out.append(Array((before + head).utf8))
        CaseAdjustments().apply(to: &out, from: 0)
        adjustments.apply(to: &out, from: before.utf8.count)
        let text = String(decoding: (0..<out.count).map { out.readable[$0] }, as: UTF8.self)
        #expect(
            text == before + "HTTP/1.1 200 x-a: no\r\nX-a: x-a: 1\r\nx-ab: 2\r\nContent-Length: 3\r\n\r\n")
    }

    @Test func whatALineSaysComesBeforeAFile() {
        var lines = CaseAdjustments()
        lines.add([0x61], [0x41])
        var file = CaseAdjustments()
        file.add([0x61], [0x61])
        file.add([0x62], [0x42])
        let all = lines.merged(with: file)
        #expect(all.contains([0x61]) && all.contains([0x62]) && !all.contains([0x63]))
        #expect(!lines.isEmpty && CaseAdjustments().isEmpty)
    }
}
