// Received fields, and fields added later.

import Testing

@testable import HTTP

@Suite struct ReceivedFieldsTests {
    @Test func onlyWhatWasThereIsRemoved() {
        var fields = HeaderFields()
        fields.append(name: "X-A", "received")
        fields.append(.xForwardedFor, "received")
        fields.append(.host, "received")
        let mark = fields.mark
        fields.append(name: "X-A", "added")
        fields.append(.xForwardedFor, "added")

        let keepsForwarded = fields.remove(.xForwardedFor, before: mark)
        let keepsCustom = fields.remove(named: Array("x-a".utf8).bytes, before: mark)
        let keepsHost = fields.remove(named: Array("host".utf8).bytes, before: mark)
        let keepsCookie = fields.remove(.cookie, before: mark)
        #expect(keepsForwarded && keepsCustom && !keepsHost && !keepsCookie)
        #expect(fields.lines == ["x-a: added", "x-forwarded-for: added"])
        let hasHost = fields.contains(.host)
        #expect(!hasHost)
    }

    @Test func aChangedValueCountsAsAdded() {
        var fields = HeaderFields()
        fields.append(.xForwardedProto, "http")
        let mark = fields.mark
        let wasReceived = fields.lies(0, before: mark)
        fields.replaceValue(0, with: Array("https".utf8).bytes)
        let isLeft = fields.remove(.xForwardedProto, before: mark)
        #expect(wasReceived && isLeft)
        #expect(fields.lines == ["x-forwarded-proto: https"])
    }

    @Test func theLastOfSeveralIsKept() {
        var fields = HeaderFields()
        for value in ["1", "2", "3", ""] {
            fields.append(.xForwardedPort, value)
            fields.append(name: "x", value)
        }
        fields.keepLast(.xForwardedPort)
        #expect(fields.lines == ["x: 1", "x: 2", "x-forwarded-port: 3", "x: 3", "x: "])
        fields.remove(.xForwardedPort)
        fields.append(.xForwardedPort, "")
        fields.keepLast(.xForwardedPort)
        let isEmptyKept = fields.contains(.xForwardedPort)
        #expect(!isEmptyKept)
    }
}
