// Keys for session tickets: files, rotation, and keys that renew themselves.

import Basics
import Configuration
import Foundation
import Testing

@testable import TLS

@Suite struct TicketKeysTests {
    private let place = SourceRange(file: "test.cfg", line: 1)

    private func keys(_ lines: [String]) throws -> TicketKeys {
        let path = FileManager.default.temporaryDirectory.path + "/keys-\(UUID().uuidString)"
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try TicketKeys(file: Word(path, at: place))
    }

    /// A key of which every byte is `byte`.
    private func key(_ byte: UInt8, bytes: Int = 80) -> String {
        Data(repeating: byte, count: bytes).base64EncodedString()
    }

    private func name(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }

    @Test(arguments: [48, 80])
    func `The last but one of a file encrypts, and all decrypt`(_ bytes: Int) throws {
        let keys = try keys([key(1, bytes: bytes), key(2, bytes: bytes), key(3, bytes: bytes), ""])
        let now = Instant.now()
        #expect(keys.current(at: now).name == name(2))
        for byte: UInt8 in 1...3 {
            #expect(keys.key(named: name(byte), at: now)?.isCurrent == (byte == 2))
        }
        #expect(keys.key(named: name(4), at: now) == nil)
    }

    @Test func `Of a longer file the last three count`() throws {
        let keys = try keys((1...5).map { key($0) })
        #expect(keys.current(at: .now()).name == name(4))
        #expect(keys.key(named: name(2), at: .now()) == nil)
    }

    @Test func `A new key makes the newest so far encrypt`() throws {
        let keys = try keys([key(1), key(2), key(3)])
        #expect(keys.rotate(to: [UInt8](repeating: 4, count: 80)))
        #expect(keys.current(at: .now()).name == name(3))
        #expect(keys.key(named: name(1), at: .now()) == nil)
        #expect(keys.key(named: name(4), at: .now())?.isCurrent == false)
    }

    @Test func `A new key has the length of the others`() throws {
        let keys = try keys([key(1), key(2), key(3)])
        #expect(!keys.rotate(to: [UInt8](repeating: 4, count: 48)))
        #expect(!keys.rotate(to: [1, 2]))
        #expect(keys.current(at: .now()).name == name(2))
    }

    @Test func `A file that is none is refused with the line`() {
        func message(_ lines: [String]) -> String {
            do {
                _ = try keys(lines)
                return ""
            } catch { return (error as? ConfigProblem)?.message ?? "\(error)" }
        }
        #expect(message([key(1), key(2)]).hasSuffix("2 keys"))
        #expect(message([key(1), "not base64", key(3)]).contains("line 2: not a key"))
        #expect(message([key(1), key(2, bytes: 47), key(3)]).contains("line 2: not a key"))
        #expect(message([key(1), key(2, bytes: 48), key(3)]).contains("line 2: its length differs"))
    }

    @Test func `Keys by chance are renewed, and the last one decrypts for another period`() throws {
        let start = Instant.now()
        let keys = TicketKeys(period: .seconds(100), now: start)
        let first = keys.current(at: start)
        #expect(keys.current(at: start + .seconds(99)).name == first.name)
        let second = keys.current(at: start + .seconds(101))
        #expect(second.name != first.name)
        #expect(keys.key(named: first.name, at: start + .seconds(150))?.isCurrent == false)
        #expect(keys.key(named: second.name, at: start + .seconds(150))?.isCurrent == true)
        _ = keys.current(at: start + .seconds(202))
        #expect(keys.key(named: first.name, at: start + .seconds(203)) == nil)
        #expect(keys.key(named: second.name, at: start + .seconds(203))?.isCurrent == false)
        // After a pause nothing of before is good.
        _ = keys.current(at: start + .seconds(1_000))
        #expect(keys.key(named: second.name, at: start + .seconds(1_000)) == nil)
    }
}
