// One end of a connection, controlled by a script: it sends, reads, closes, or resets. Every
// wait has a deadline; when it passes, the error says what was awaited.

import Foundation
import Glibc
import Synchronization

final class Connection: Sendable {
    private let descriptor: Int32
    private let buffer = Mutex<[UInt8]>([])
    private let isOpen = Mutex(true)

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Connects to a port of the loopback interface.
    /// - Parameter takesLittle: the system is to keep some kilobytes at most between the peer and a script that does not read.
    convenience init(to port: Int, ipv6: Bool = false, takesLittle: Bool = false) throws {
        try self.init(address: ipv6 ? Endpoint.ipv6(port) : Endpoint.ipv4(port), takesLittle: takesLittle)
    }

    /// Connects to a Unix-domain socket.
    convenience init(toUnixSocket path: String) throws {
        try self.init(address: Endpoint.unix(path))
    }

    private convenience init(address: Endpoint, takesLittle: Bool = false) throws {
        let descriptor = try address.socket(SOCK_STREAM)
        if takesLittle { Self.takeLittle(descriptor) }
        guard address.connect(descriptor) else {
            let fault = StageFault("cannot connect to \(address): \(errorText())")
            Glibc.close(descriptor)
            throw fault
        }
        self.init(descriptor: descriptor)
    }

    /// The peer's IPv4 address and port: `127.0.0.1:80`.
    var peerAddress: String {
        var form = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &form) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getpeername(descriptor, $0, &length)
            }
        }
        let word = UInt32(bigEndian: form.sin_addr.s_addr)
        let numbers = stride(from: 24, through: 0, by: -8).map { "\(word >> UInt32($0) & 255)" }
        return result == 0 ? "\(numbers.joined(separator: ".")):\(UInt16(bigEndian: form.sin_port))" : "unknown"
    }

    /// Lets the system keep some kilobytes at most of what comes to the descriptor, or to those that it accepts.
    static func takeLittle(_ descriptor: Int32) {
        // The peer's send buffer grows with the size of segments, which is 64 KiB on the loopback interface.
        var (window, segment) = (CInt(4_096), CInt(536))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &window, socklen_t(MemoryLayout<CInt>.size))
        unsafe setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_MAXSEG, &segment, socklen_t(MemoryLayout<CInt>.size))
    }

    deinit { close() }

    func send(_ text: String, within seconds: Double = patience) throws {
        try send(bytes: Array(text.utf8), within: seconds)
    }

    func send(bytes: [UInt8], within seconds: Double = patience) throws {
        let deadline = Deadline(in: seconds)
        var sent = 0
        while sent < bytes.count {
            guard ready(POLLOUT, by: deadline) else {
                throw StageFault("the peer took \(sent) of \(bytes.count) bytes within \(seconds) s")
            }
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Self.sendFlags)
            }
            if count > 0 {
                sent += count
            } else if errno != EAGAIN && errno != EINTR {
                throw StageFault("the peer closed after \(sent) of \(bytes.count) bytes: \(errorText())")
            }
        }
    }

    /// Sends without blocking; returns the number of bytes that the kernel accepted.
    func sendWhatFits(_ bytes: [UInt8]) -> Int {
        max(0, unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Self.sendFlags) })
    }

    /// Reads up to and including `mark`; throws if the peer ends the connection before that.
    func receive(through mark: String, within seconds: Double = patience) throws -> String {
        let deadline = Deadline(in: seconds)
        let mark = Array(mark.utf8)
        var searched = 0
        while true {
            let found: [UInt8]? = buffer.withLock { buffer in
                guard let range = buffer[searched...].firstRange(of: mark) else {
                    searched = max(0, buffer.count - mark.count)
                    return nil
                }
                defer { buffer.removeSubrange(..<range.upperBound) }
                return Array(buffer[..<range.upperBound])
            }
            if let found { return String(decoding: found, as: UTF8.self) }
            guard try fill(by: deadline) else {
                throw StageFault("ended before \(String(decoding: mark, as: UTF8.self).debugDescription), with \(rest)")
            }
        }
    }

    /// Reads exactly `count` bytes.
    func receive(count: Int, within seconds: Double = patience) throws -> [UInt8] {
        let deadline = Deadline(in: seconds)
        while buffer.withLock({ $0.count }) < count {
            guard try fill(by: deadline) else { throw StageFault("ended before \(count) bytes came, with \(rest)") }
        }
        return buffer.withLock { buffer in
            defer { buffer.removeFirst(count) }
            return Array(buffer[..<count])
        }
    }

    /// Reads everything until the peer closes.
    func receiveAll(within seconds: Double = patience) throws -> [UInt8] {
        let deadline = Deadline(in: seconds)
        while try fill(by: deadline) {}
        return buffer.withLock { buffer in
            defer { buffer = [] }
            return buffer
        }
    }

    /// Whether the peer closes or resets the connection within `seconds`, whatever it sends before.
    func isClosedByPeer(within seconds: Double = patience) -> Bool {
        let deadline = Deadline(in: seconds)
        while true {
            do {
                guard try fill(by: deadline) else { return true }
            } catch {
                return !deadline.hasPassed
            }
        }
    }

    /// Whether nothing arrives for `seconds`: neither bytes nor an end.
    func staysSilent(for seconds: Double) -> Bool {
        buffer.withLock { $0.isEmpty } && !ready(POLLIN, by: Deadline(in: seconds))
    }

    /// Shuts down the sending side, and continues to read.
    func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        isOpen.withLock { isOpen in
            if isOpen { Glibc.close(descriptor) }
            isOpen = false
        }
    }

    /// Closes with a reset, like a crashed peer or an impatient middlebox.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }

    /// Wakes any thread that waits on this connection: for a thread that ends the test.
    func interrupt() {
        isOpen.withLock { isOpen in
            if isOpen { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private static let sendFlags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)

    private var rest: String {
        buffer.withLock { String(decoding: $0.prefix(500), as: UTF8.self).debugDescription }
    }

    /// Reads once. Returns false at the end; throws on a reset or if nothing arrives in time.
    private func fill(by deadline: Deadline) throws -> Bool {
        while true {
            guard ready(POLLIN, by: deadline) else { throw StageFault("nothing came in time; so far \(rest)") }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 {
                buffer.withLock { $0 += chunk[..<count] }
                return true
            }
            if count == 0 { return false }
            if errno != EINTR && errno != EAGAIN { throw StageFault("cannot receive: \(errorText())") }
        }
    }

    private func ready(_ events: Int32, by deadline: Deadline) -> Bool {
        waitUntilReady(descriptor, events, by: deadline)
    }
}
