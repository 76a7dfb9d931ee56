// What is kept of a client's hello, and the fingerprint made of it.

import COpenSSL
import Testing

@testable import TLS

@Suite struct CapturedHelloTests {
    /// The hello of a browser, as the description of JA4 has it, with values among it that stand for nothing.
    private static let browser = Hello(
        ciphers: [
            0x1A1A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C,
            0x009D, 0x002F, 0x0035,
        ],
        extensions: [
            (0x5A5A, []), (0x001B, [2, 0, 2]), (0x0000, Hello.name("a.example")), (0x0033, []),
            (0x0010, Hello.protocols(["h2", "http/1.1"])),
            (0x4469, []), (0x0017, []), (0x002D, [1, 1]),
            (0x000D, Hello.list([0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601])),
            (0x0005, []), (0x0023, []), (0x0012, []), (0x002B, [6, 0x2A, 0x2A, 3, 4, 3, 3]), (0xFF01, [0]),
            (0x000B, [1, 0]),
            (0x000A, Hello.list([0x3A3A, 0x001D, 0x0017])), (0x0015, [0, 0]),
        ])

    private func capture(_ message: [UInt8], _ what: HelloCapture) -> CapturedHello? {
        unsafe CapturedHello(message.span.bytes, what)
    }

    private func ja4(_ hello: Hello) -> String {
        let captured = capture(hello.message, HelloCapture(hasFingerprint: true))
        return String(decoding: captured?.fingerprint ?? [], as: UTF8.self)
    }

    @Test func `JA4 of a browser is the one that is published`() {
        #expect(ja4(Self.browser) == "t13d1516h2_8daaf6152771_e5627efa2ab1")
        // Shuffled, it is the same.
        var shuffled = Self.browser
        shuffled.extensions.reverse()
        shuffled.ciphers.reverse()
        #expect(ja4(shuffled) == ja4(Self.browser))
    }

    @Test func `JA4 of what is odd`() {
        #expect(ja4(Hello(ciphers: [], extensions: [])) == "t12i000000_000000000000_000000000000")
        #expect(ja4(Hello(version: 0x0301, ciphers: [0x0035], extensions: [])).hasPrefix("t10i010000_"))
        #expect(ja4(Hello(version: 0x0300, ciphers: [0x0A0A], extensions: [])).hasPrefix("ts3i000000_000000000000_"))
        #expect(ja4(Hello(version: 0x9999, ciphers: [], extensions: [])).hasPrefix("t00i"))
        let many = Hello(ciphers: (1...150).map { $0 * 2 }, extensions: [(16, Hello.protocols(["\u{1}z"]))])
        #expect(ja4(many).hasPrefix("t12i99010a_"))
        let single = Hello(ciphers: [], extensions: [(16, Hello.protocols(["h"]))])
        #expect(ja4(single).hasPrefix("t12i0001hh_"))
    }

    @Test func `Lists share their room, and noise can be left out`() throws {
        let captured = try #require(
            capture(Self.browser.message, HelloCapture(listBytesMax: 4_096)))
        #expect(captured.version == 0x0303 && captured.areListsKept)
        #expect(list(captured, .ciphers).count == 32 && list(captured, .ciphers, noise: false).count == 30)
        #expect(list(captured, .extensions).count == 34 && list(captured, .extensions, noise: false).count == 32)
        #expect(list(captured, .groups, noise: false) == [0, 0x1D, 0, 0x17])
        #expect(list(captured, .pointFormats) == [0])
        #expect(list(captured, .versions, noise: false) == [3, 4, 3, 3])
        #expect(list(captured, .signatureAlgorithms).count == 16)
        for bytesMax in 0...120 {
            let some = capture(Self.browser.message, HelloCapture(listBytesMax: bytesMax))
            let all = [HelloList.ciphers, .extensions, .groups, .pointFormats, .versions, .signatureAlgorithms].flatMap
            {
                list(some!, $0)
            }
            #expect(all.count <= bytesMax)
            #expect(bytesMax == 0 || some?.cipherHash == captured.cipherHash)
        }
    }

    private func list(_ captured: CapturedHello, _ list: HelloList, noise: Bool = true) -> [UInt8] {
        var out: [UInt8] = []
        let isThere = captured.append(list, withNoise: noise, to: &out)
        #expect(isThere == !out.isEmpty)
        return out
    }

    @Test func `A hello cut at any byte is none, and does no harm`() {
        let message = Self.browser.message
        for count in 0..<message.count {
            let cut = Array(message[..<count])
            _ = capture(cut, HelloCapture(listBytesMax: 4_096, hasFingerprint: true))
        }
    }

    @Test func `A real handshake's hello is kept where it is asked for`() throws {
        let server = try TLSContext.server()
        server.captureHellos(HelloCapture(listBytesMax: 1_000, hasFingerprint: true))
        let pair = try EnginePair(server, .client(), serverName: "www.example.com")
        #expect(pair.shakeHands() == (.complete, .complete))
        let engine = pair.server
        #expect(engine.helloVersion == 0x0303 && engine.helloCipherHash != nil)
        let names = engine.bytes { engine.appendCipherNames(withNoise: true, to: &$0) }.map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(names?.split(separator: ",").contains("TLS_AES_256_GCM_SHA384") == true)
        #expect(names?.contains("UNKNOWN(") == true || names?.contains("SCSV") == true)
        let digits = engine.bytes { engine.appendCipherDigits(withNoise: true, to: &$0) }
        #expect(digits.map { String(decoding: $0, as: UTF8.self) }?.hasPrefix("130213031301") == true)
        #expect(engine.bytes { engine.appendFingerprint(to: &$0) }?.starts(with: "t13d".utf8) == true)
        #expect(pair.client.bytes { pair.client.appendFingerprint(to: &$0) } == nil)

        let plain = try EnginePair(.server(), .client())
        #expect(plain.shakeHands() == (.complete, .complete))
        #expect(plain.server.helloVersion == nil)
    }
}

/// A hello out of its lists.
private struct Hello {
    var version = 0x0303
    var ciphers: [Int]
    var extensions: [(type: Int, content: [UInt8])]

    static func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    static func vector(_ bytes: [UInt8]) -> [UInt8] { two(bytes.count) + bytes }
    static func list(_ values: [Int]) -> [UInt8] { vector(values.flatMap(two)) }
    static func name(_ text: String) -> [UInt8] { vector([0] + vector(Array(text.utf8))) }
    static func protocols(_ names: [String]) -> [UInt8] {
        vector(names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) })
    }

    /// The handshake message.
    var message: [UInt8] {
        var body = Self.two(version) + [UInt8](repeating: 7, count: 32) + [0] + Self.list(ciphers) + [1, 0]
        if !extensions.isEmpty {
            body += Self.vector(extensions.flatMap { Self.two($0.type) + Self.vector($0.content) })
        }
        return [1, 0] + Self.two(body.count) + body
    }
}
