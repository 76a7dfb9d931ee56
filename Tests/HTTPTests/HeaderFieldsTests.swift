// Changing the fields of a message: order, names, indices; and rejection of values that could
// break out of their line.

import Testing

@testable import HTTP

@Suite struct HeaderFieldsTests {
    @Test func keepsFieldsInOrderWithLowerCaseNames() {
        var fields = HeaderFields()
        fields.append(name: "X-Custom", "one")
        fields.append(.host, "a.example")
        fields.append(name: "Content-TYPE", "text/plain")
        #expect(fields.lines == ["x-custom: one", "host: a.example", "content-type: text/plain"])
        #expect(fields.known(2) == .contentType)
        #expect(fields.first(.host) == 1)
        #expect(fields.first(.cookie) == nil)
        #expect(fields.first(named: Array("x-custom".utf8)) == 0)
    }

    @Test func findsEveryFieldOfAName() {
        var fields = HeaderFields()
        for value in ["a", "b", "c"] {
            fields.append(.setCookie, value)
            fields.append(name: "x", value)
        }
        #expect(fields.next(.setCookie, from: 1) == 2)
        #expect(fields.next(.setCookie, from: 5) == nil)
        #expect(fields.next(named: [0x78], from: 4) == 5)
    }

    @Test func removesAllFieldsOfANameAndNoOther() {
        var fields = HeaderFields()
        for name in ["a", "X-Dup", "b", "x-dup", "Cookie", "c", "cookie"] { fields.append(name: name, name) }
        fields.remove(named: Array("x-dup".utf8))
        fields.remove(named: Array("cookie".utf8))
        #expect(fields.lines == ["a: a", "b: b", "c: c"])
        #expect(fields.contains(.cookie) == false)
        fields.remove(.cookie)
        #expect(fields.count == 3)
    }

    @Test func removesOneFieldByItsPlace() {
        var fields = HeaderFields()
        fields.append(.setCookie, "a")
        fields.append(.setCookie, "b")
        fields.remove(at: 0)
        #expect(fields.lines == ["set-cookie: b"])
        #expect(fields.contains(.setCookie) == true)
        fields.remove(at: 0)
        #expect(fields.contains(.setCookie) == false)
    }

    @Test func setLeavesOneField() {
        var fields = HeaderFields()
        fields.append(.xForwardedFor, "1.1.1.1")
        fields.append(.host, "a")
        fields.append(.xForwardedFor, "2.2.2.2")
        fields.set(.xForwardedFor, value: Array("3.3.3.3".utf8).bytes)
        fields.set(name: Array("X-New".utf8).bytes, value: Array("v".utf8).bytes)
        fields.set(name: Array("HOST".utf8).bytes, value: Array("b".utf8).bytes)
        #expect(fields.lines == ["x-forwarded-for: 3.3.3.3", "x-new: v", "host: b"])
    }

    @Test(arguments: ["", "s", "a value much longer than the one before"])
    func replacesAValueInItsPlace(value: String) {
        var fields = HeaderFields()
        for name in ["a", "b", "c"] { fields.append(name: name, "old") }
        fields.replaceValue(1, with: Array(value.utf8).bytes)
        #expect(fields.lines == ["a: old", "b: \(value)", "c: old"])
    }

    /// Header injection through values that rules build from client input.
    @Test(arguments: [
        "a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\u{0}b", "\u{1}", "a\u{7F}", "long enough to be scanned by words\n",
    ])
    func aValueCannotBreakOutOfItsLine(value: String) {
        var fields = HeaderFields()
        fields.append(.location, "/old")
        let bytes = Array(value.utf8)
        #expect(fields.append(.location, value) == false)
        #expect(fields.append(name: "x", value) == false)
        #expect(fields.set(.location, value: bytes.bytes) == false)
        #expect(fields.set(name: Array("x".utf8).bytes, value: bytes.bytes) == false)
        #expect(fields.replaceValue(0, with: bytes.bytes) == false)
        #expect(HeaderFields.isValidValue(bytes.bytes) == false)
        #expect(fields.lines == ["location: /old"])
    }

    @Test(arguments: ["", "a b", "a:", "é", "a\r\n", "(a)", "a\u{0}"])
    func aNameIsAToken(name: String) {
        var fields = HeaderFields()
        #expect(fields.append(name: name, "v") == false)
        #expect(fields.set(name: Array(name.utf8).bytes, value: Array("v".utf8).bytes) == false)
        #expect(fields.count == 0)
    }

    @Test func spaceAroundAppendedValuesIsDropped() {
        var fields = HeaderFields()
        fields.append(name: "a", " \t b c\t")
        fields.append(name: "d", "  ")
        #expect(fields.lines == ["a: b c", "d: "])
    }

    @Test func isEmptyAndReadyAfterRemoveAll() {
        var fields = HeaderFields()
        for round in 0..<3 {
            for i in 0..<200 { fields.append(name: "name-\(i)", String(repeating: "v", count: i + round)) }
            #expect(fields.count == 200)
            #expect(escaped(fields.value(199).copy) == String(repeating: "v", count: 199 + round))
            fields.removeAll()
            #expect(fields.count == 0)
            #expect(fields.contains(.other) == false)
        }
    }

    @Test func allocatesNothingOnceWarm() {
        var fields = HeaderFields()
        var places: [Int] = []
        for _ in 0..<10 {
            fields.removeAll()
            for i in 0..<20 { fields.append(name: "name-\(i)", "some value") }
            let arena = unsafe fields.arena.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
            let entries = unsafe fields.entries.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
            places.append(arena ^ entries)
        }
        #expect(Set(places.dropFirst()).count == 1)
    }
}

extension HeaderFields {
    /// `name: value` of every field.
    var lines: [String] { pairs.map { "\($0.name): \($0.value)" } }
}
