// How one process hands listening sockets to another: HAProxy's messages, so that either program can take over from the other.
//
// The one that takes over sends the line `_getsocks` to the runtime socket. It gets the number of sockets in four bytes, of the
// machine's order; then messages with up to 252 descriptors (SCM_RIGHTS) and, for each of these, the length and the name of its
// network namespace, the length and the name of its interface, and four zero bytes. It answers each message with four bytes.

internal import Basics
internal import CLinux
internal import Glibc
public import SystemPackage

/// A listening socket on its way to another process.
public struct HandedSocket: Equatable, Sendable {
    public let socket: Socket
    /// The namespace that its line names; empty for that of the process.
    public let namespace: String
    /// The interface that its line names; empty for none.
    public let interface: String

    public init(_ socket: Socket, namespace: String = "", interface: String = "") {
        self.socket = socket
        self.namespace = namespace
        self.interface = interface
    }
}

/// Why sockets were not handed over.
public enum HandoverFault: Error, Equatable {
    case unreachable(Errno)
    /// The other process closed the connection without a word.
    case refused
    /// It said nothing for a while.
    case silent
    /// What it said is not what the protocol prescribes.
    case malformed(String)
    case failed(Errno)
}

/// The messages' contents.
public enum ListenerMessages {
    /// Descriptors in one message. Linux takes 253.
    public static let descriptorsMax = 252
    /// Bytes of the count, and of an acknowledgement.
    public static let wordBytes = 4
    /// More sockets than this are a mistake: a process has some thousand descriptors.
    static let socketsMax = 65_536
    /// What follows the names.
    private static let padding = 4
    /// The longest entry in bytes.
    static let entryBytesMax = 2 * 256 + padding

    /// Whether the names' lengths fit into their bytes.
    public static func isTransferable(_ handed: HandedSocket) -> Bool {
        max(handed.namespace.utf8.count, handed.interface.utf8.count) <= Int(UInt8.max)
    }

    /// A number in four bytes.
    public static func word(_ number: Int) -> [UInt8] {
        var word = Int32(clamping: number)
        return unsafe withUnsafeBytes(of: &word) { unsafe Array($0) }
    }

    /// The bytes that go with the descriptors of `sockets`, which are transferable.
    public static func entries(of sockets: ArraySlice<HandedSocket>) -> [UInt8] {
        var bytes: [UInt8] = []
        for handed in sockets {
            for name in [handed.namespace, handed.interface] {
                precondition(name.utf8.count <= Int(UInt8.max), "a name of \(name.utf8.count) bytes")
                bytes.append(UInt8(name.utf8.count))
                bytes.append(contentsOf: name.utf8)
            }
            bytes.append(contentsOf: repeatElement(0, count: padding))
        }
        return bytes
    }

    /// The entries that are whole, and how many bytes they have.
    static func parse(_ bytes: [UInt8]) -> (names: [(namespace: String, interface: String)], count: Int) {
        var names: [(namespace: String, interface: String)] = []
        var position = 0
        func name(at start: Int) -> (text: String, end: Int)? {
            guard start < bytes.count else { return nil }
            let end = start + 1 + Int(bytes[start])
            guard end <= bytes.count else { return nil }
            return (String(decoding: bytes[start + 1..<end], as: UTF8.self), end)
        }
        while let namespace = name(at: position), let interface = name(at: namespace.end),
            interface.end + padding <= bytes.count
        {
            names.append((namespace.text, interface.text))
            position = interface.end + padding
        }
        return (names, position)
    }
}

/// Bytes with descriptors beside them, over a Unix-domain socket.
public enum DescriptorPassing {
    /// Whether the connection can carry descriptors.
    public static func isPossible(over socket: Socket) -> Bool {
        var domain: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(socket.number, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX
    }

    /// Sends `bytes`, at least one, and `sockets`, at most `ListenerMessages.descriptorsMax`. Does not wait.
    public static func send(_ bytes: [UInt8], _ sockets: [Socket], over carrier: Socket) -> Sent {
        let numbers = sockets.map(\.number)
        return LinuxKernel.sent(on: carrier) {
            unsafe clinux_send_descriptors(carrier.number, bytes, bytes.count, numbers, numbers.count)
        }
    }

    /// What came at once: at most `bytesMax` bytes, and the descriptors that were beside them. Does not wait.
    static func receive(
        atMost bytesMax: Int, descriptors descriptorsMax: Int, over carrier: Socket
    ) -> (outcome: Received, bytes: [UInt8], sockets: [Socket]) {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var numbers = [Int32](repeating: -1, count: descriptorsMax)
        var count = 0
        let n = unsafe clinux_receive_descriptors(
            carrier.number, &bytes, bytesMax, &numbers, descriptorsMax, &count)
        let reason = Errno.last
        let sockets = numbers.prefix(count).map { Socket($0) }
        if n > 0 { return (.bytes(n), Array(bytes.prefix(n)), sockets) }
        if n == 0 { return (.endOfStream, [], sockets) }
        return (reason == .wouldBlock ? .wouldBlock : .failed(reason), [], sockets)
    }
}
