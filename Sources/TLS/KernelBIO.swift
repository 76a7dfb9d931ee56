// How OpenSSL reads and writes: a BIO whose other side is the kernel of the thread that drives the connection. So the simulated
// kernel carries TLS as it carries plain bytes, and what the transport knows of readiness saves system calls here too.

internal import Basics
internal import COpenSSL
internal import Reactor
internal import SystemPackage

enum KernelBIO {
    // Safe: made once, never changed afterwards; OpenSSL only reads it.
    nonisolated(unsafe) private static let method: OpaquePointer = unsafe makeMethod()

    /// A BIO for `engine`, which outlives it.
    static func make(for engine: TLSEngine) -> OpaquePointer {
        guard let bio = unsafe BIO_new(method) else { preconditionFailure("OpenSSL has no memory for a BIO") }
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(engine).toOpaque())
        unsafe BIO_set_init(bio, 1)
        return unsafe bio
    }

    private static func makeMethod() -> OpaquePointer {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = unsafe BIO_meth_new(type, "portico") else {
            preconditionFailure("OpenSSL has no memory for a method")
        }
        unsafe BIO_meth_set_read_ex(method) { bio, bytes, room, count in
            unsafe KernelBIO.read(bio, bytes, room, count)
        }
        unsafe BIO_meth_set_write_ex(method) { bio, bytes, length, count in
            unsafe KernelBIO.write(bio, bytes, length, count)
        }
        unsafe BIO_meth_set_ctrl(method) { bio, command, number, pointer in
            unsafe KernelBIO.control(bio, command, number, pointer)
        }
        return unsafe method
    }

    private static func engine(of bio: OpaquePointer) -> TLSEngine? {
        guard let data = unsafe BIO_get_data(bio) else { return nil }
        // Safe: the engine owns the BIO's only user.
        return unsafe Unmanaged<TLSEngine>.fromOpaque(data).takeUnretainedValue()
    }

    private static func read(
        _ bio: OpaquePointer?, _ bytes: UnsafeMutablePointer<CChar>?, _ room: Int, _ count: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        guard let bio = unsafe bio, let engine = unsafe engine(of: bio), room > 0 else { return 0 }
        unsafe copenssl_clear_retry(bio)
        // Safe: OpenSSL's buffer has `room` bytes.
        let received = unsafe engine.receive(UnsafeMutableRawBufferPointer(start: bytes, count: room))
        switch received {
        case .bytes(let number):
            unsafe count?.pointee = number
            return 1
        case .wouldBlock: unsafe copenssl_retry_read(bio)
        case .endOfStream, .failed: break
        }
        return 0
    }

    private static func write(
        _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ length: Int, _ count: UnsafeMutablePointer<Int>?
    ) -> Int32 {
        guard let bio = unsafe bio, let engine = unsafe engine(of: bio), let bytes = unsafe bytes else { return 0 }
        unsafe copenssl_clear_retry(bio)
        // Safe: OpenSSL's buffer has `length` bytes, and the span does not outlive the call.
        switch engine.send(unsafe RawSpan(_unsafeStart: UnsafeRawPointer(bytes), byteCount: length)) {
        case .bytes(let number):
            unsafe count?.pointee = number
            return 1
        case .wouldBlock: unsafe copenssl_retry_write(bio)
        case .failed: break
        }
        return 0
    }

    private static func control(
        _ bio: OpaquePointer?, _ command: Int32, _ number: Int, _ pointer: UnsafeMutableRawPointer?
    ) -> Int {
        if command == BIO_CTRL_FLUSH { return 1 }
        guard let bio = unsafe bio, let engine = unsafe engine(of: bio) else { return 0 }
        switch command {
        case BIO_CTRL_EOF: return engine.hasReceivedEnd ? 1 : 0
        case BIO_CTRL_GET_KTLS_SEND: return engine.isEncryptedBySystem ? 1 : 0
        case setSystemKeys:
            // Only what is sent: `number` is 0 for keys of the other direction.
            guard number != 0, let keys = unsafe pointer else { return 0 }
            return unsafe engine.encryptSent(with: keys) ? 1 : 0
        case setRecordType: engine.nextRecordType = UInt8(truncatingIfNeeded: number)
        case clearRecordType: engine.nextRecordType = nil
        default: break
        }
        return 0
    }

    // OpenSSL's commands to BIOs whose system encrypts; bio.h has them in a comment only, as reserved.
    private static let setSystemKeys: Int32 = 72
    private static let setRecordType: Int32 = 74
    private static let clearRecordType: Int32 = 75
}
