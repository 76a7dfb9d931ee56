// kTLS through the kernel seam: a system that takes keys and encrypts, one that refuses, and what the peer reads.

import Basics
import COpenSSL
import Reactor
import Testing

@testable import TLS

@Suite struct SystemEncryptionTests {
    private func pair(_ version: Int32, on system: (any ByteCarrier)?) throws -> EnginePair {
        let context = try TLSContext.server(version: version)
        context.encryptBySystem()
        let pair = try EnginePair(context, TLSContext.client())
        pair.serverCarrier = system
        return pair
    }

    @Test(
        "A system that takes the keys makes the records of what is sent, content and the last word alike",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func encrypts(version: Int32) throws {
        let system = try EncryptingSystem()
        let pair = try pair(version, on: system)
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(pair.server.isEncryptedBySystem)
        for text in ["hello", String(repeating: "x", count: 5_000), "again"] {
            #expect(pair.deliver(text).text == text)
        }
        #expect(system.records.suffix(3) == [23, 23, 23])
        pair.finish(pair.server)
        #expect(system.records.last == 21)
        #expect(pair.deliver("").outcome == .endOfStream)
        #expect(!pair.client.isTruncated)
    }

    @Test("Content goes on in clear from where a short write ended, though its bytes have moved")
    func shortWrites() throws {
        let system = try EncryptingSystem()
        let pair = try pair(TLS1_3_VERSION, on: system)
        #expect(pair.shakeHands() == (.complete, .complete))
        system.bytesMax = 3
        let first = Array("hello".utf8)
        pair.server.lend(system, canReceive: true, canSend: true)
        #expect(unsafe pair.server.write(first.span.bytes, more: true) == .bytes(3))
        #expect(pair.server.bytesPending == 0)
        #expect(pair.deliver("lo").text == "hel")
        #expect(pair.deliver("").text == "lo")
    }

    @Test("Where the system takes no keys, the engine encrypts", arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func refuses(version: Int32) throws {
        let pair = try pair(version, on: nil)
        #expect(pair.shakeHands() == (.complete, .complete))
        // This machine's kernel may have the module.
        if !LinuxKernel.canEncrypt { #expect(!pair.server.isEncryptedBySystem) }
        #expect(pair.deliver("hello").text == "hello")
    }

    @Test("A context that does not ask for it keeps its keys")
    func unasked() throws {
        let system = try EncryptingSystem()
        let pair = try EnginePair(TLSContext.server(), TLSContext.client())
        pair.serverCarrier = system
        #expect(pair.shakeHands() == (.complete, .complete))
        #expect(!pair.server.isEncryptedBySystem && system.records.isEmpty)
    }
}

/// A kernel that encrypts with AES-GCM as Linux does: RFC 5288 section 3 for TLS 1.2, RFC 8446 section 5.2 for 1.3.
private final class EncryptingSystem: ByteCarrier {
    private let kernel: LinuxKernel
    private var isNew = false
    private var key: [UInt8] = []
    private var salt: [UInt8] = []
    private var vector: [UInt8] = []
    private var sequence: UInt64 = 0
    /// The types of the records that were sent.
    private(set) var records: [UInt8] = []
    /// Bytes of content that it takes at once.
    var bytesMax = Int.max

    init() throws { kernel = try LinuxKernel() }

    var now: Instant { kernel.now }

    func receive(_ socket: Socket, into memory: UnsafeMutableRawBufferPointer) -> Received {
        unsafe kernel.receive(socket, into: memory)
    }

    func send(_ socket: Socket, _ bytes: RawSpan, more: Bool) -> Sent {
        if key.isEmpty { return kernel.send(socket, bytes, more: more) }
        return seal(socket, type: 23, bytes.extracting(first: min(bytesMax, bytes.byteCount)))
    }

    func sendRecord(_ socket: Socket, type: UInt8, _ bytes: RawSpan) -> Sent { seal(socket, type: type, bytes) }

    /// As in linux/tls.h: version and cipher, 8 bytes of vector, the key, 4 bytes of salt, the next record's number.
    func encryptSent(_ socket: Socket, with keys: UnsafeRawPointer) -> Bool {
        isNew = unsafe keys.load(as: UInt16.self) == 0x0304
        guard let keyBytes = unsafe [51: 16, 52: 32][keys.load(fromByteOffset: 2, as: UInt16.self)] else {
            return false
        }
        func part(_ offset: Int, _ count: Int) -> [UInt8] {
            unsafe Array(UnsafeRawBufferPointer(start: keys + offset, count: count))
        }
        vector = part(4, 8)
        key = part(12, keyBytes)
        salt = part(12 + keyBytes, 4)
        sequence = part(16 + keyBytes, 8).reduce(0) { $0 << 8 | UInt64($1) }
        return true
    }

    private func seal(_ socket: Socket, type: UInt8, _ bytes: RawSpan) -> Sent {
        var content: [UInt8] = []
        content.append(bytes)
        let number = (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * UInt64($0))) }
        sequence += 1
        records.append(type)
        var record: [UInt8]
        if isNew {
            content.append(type)
            let nonce = salt + zip(vector, number).map { $0 ^ $1 }
            record = [23, 3, 3] + Self.length(content.count + 16)
            record += encrypt(content, nonce: nonce, authenticating: record)
        } else {
            let authenticated = number + [type, 3, 3] + Self.length(content.count)
            record = [type, 3, 3] + Self.length(content.count + 24) + number
            record += encrypt(content, nonce: salt + number, authenticating: authenticated)
        }
        guard unsafe kernel.send(socket, record.span.bytes, more: false) == .bytes(record.count) else {
            return .wouldBlock
        }
        return .bytes(bytes.byteCount)
    }

    private static func length(_ count: Int) -> [UInt8] { [UInt8(count >> 8), UInt8(count & 255)] }

    private func encrypt(_ content: [UInt8], nonce: [UInt8], authenticating more: [UInt8]) -> [UInt8] {
        let cipher = unsafe EVP_CIPHER_CTX_new()
        defer { unsafe EVP_CIPHER_CTX_free(cipher) }
        var (sealed, tag, count) = (
            [UInt8](repeating: 0, count: content.count), [UInt8](repeating: 0, count: 16), Int32(0)
        )
        unsafe EVP_EncryptInit_ex(cipher, key.count == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), nil, key, nonce)
        unsafe EVP_EncryptUpdate(cipher, nil, &count, more, Int32(more.count))
        unsafe EVP_EncryptUpdate(cipher, &sealed, &count, content, Int32(content.count))
        unsafe EVP_EncryptFinal_ex(cipher, nil, &count)
        unsafe EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
        return sealed + tag
    }
}
