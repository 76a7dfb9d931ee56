// Asks another process for its listening sockets (`-x`). For start-up only: it waits for the answers, for a limited time.

public import Basics
internal import CLinux
internal import Glibc
internal import SystemPackage

/// One request for another process's listening sockets.
public struct ListenerRequest: ~Copyable {
    /// How long the other process may be silent: its control thread may be busy for a second or two.
    public static let patience = TimeSpan.seconds(5)

    private let carrier: Socket
    private let patience: TimeSpan
    private var received: [Socket] = []
    private var bytes: [UInt8] = []

    /// Takes the listening sockets of the process whose runtime socket is at `path`. That process keeps its descriptors.
    /// - Returns: the sockets, which are the caller's, in the other process's order.
    public static func sockets(
        ofProcessAt path: String, patience: TimeSpan = Self.patience
    ) throws(HandoverFault) -> [HandedSocket] {
        guard path.verbatimBytes.count <= SystemAddress.pathBytesMax else { throw .unreachable(.fileNameTooLong) }
        let number = SystemAddress.makeStreamSocket(for: .path(path))
        guard number >= 0 else { throw .unreachable(Errno.last) }
        guard unsafe SystemAddress.with(.path(path), { unsafe clinux_connect(number, $0, $1) }) == 0 else {
            let reason = Errno.last
            Glibc.close(number)
            throw .unreachable(reason)
        }
        return try sockets(over: Socket(number), patience: patience)
    }

    /// The same over a connection to a runtime socket that does not block, which it closes.
    public static func sockets(
        over carrier: Socket, patience: TimeSpan
    ) throws(HandoverFault) -> [HandedSocket] {
        defer { Glibc.close(carrier.number) }
        var request = ListenerRequest(carrier, patience)
        do throws(HandoverFault) {
            return try request.run()
        } catch {
            for socket in request.received { Glibc.close(socket.number) }
            throw error
        }
    }

    private init(_ carrier: Socket, _ patience: TimeSpan) {
        self.carrier = carrier
        self.patience = patience
    }

    private mutating func run() throws(HandoverFault) -> [HandedSocket] {
        try say(Array("_getsocks\n".utf8))
        let count = try takeCount()
        var names: [(namespace: String, interface: String)] = []
        while names.count < count {
            try takeMore(of: count)
            let parsed = ListenerMessages.parse(bytes)
            guard parsed.names.count <= received.count else {
                throw .malformed("it describes more sockets than it sent")
            }
            guard parsed.names.count == received.count, parsed.count == bytes.count else {
                // The rest of the message follows.
                guard bytes.count <= received.count * ListenerMessages.entryBytesMax else {
                    throw .malformed("it sent more than the sockets' descriptions")
                }
                continue
            }
            names = parsed.names
            try say(ListenerMessages.word(received.count))
        }
        return zip(received, names).map { HandedSocket($0, namespace: $1.namespace, interface: $1.interface) }
    }

    private mutating func takeCount() throws(HandoverFault) -> Int {
        var word: [UInt8] = []
        while word.count < ListenerMessages.wordBytes {
            let isFirst = word.isEmpty
            let next = try take(atMost: ListenerMessages.wordBytes - word.count, descriptors: 0)
            guard !next.bytes.isEmpty else {
                throw isFirst ? .refused : .malformed("it closed the connection within the number of sockets")
            }
            word += next.bytes
        }
        let count = unsafe word.withUnsafeBytes { unsafe $0.loadUnaligned(as: Int32.self) }
        guard (0...ListenerMessages.socketsMax).contains(Int(count)) else {
            throw .malformed("its answer does not begin with a number of sockets")
        }
        return Int(count)
    }

    /// Takes what comes next of the messages.
    private mutating func takeMore(of count: Int) throws(HandoverFault) {
        let next = try take(
            atMost: ListenerMessages.descriptorsMax * ListenerMessages.entryBytesMax,
            descriptors: ListenerMessages.descriptorsMax)
        received += next.sockets
        guard received.count <= count else { throw .malformed("it sent more sockets than the \(count) it announced") }
        guard !next.bytes.isEmpty else {
            throw .malformed("it closed the connection after \(received.count) of \(count) sockets")
        }
        bytes += next.bytes
    }

    /// Waits for bytes; none at the end of the stream.
    private func take(
        atMost bytesMax: Int, descriptors: Int
    ) throws(HandoverFault) -> (bytes: [UInt8], sockets: [Socket]) {
        let deadline = Instant.now() + patience
        while true {
            let next = DescriptorPassing.receive(atMost: bytesMax, descriptors: descriptors, over: carrier)
            switch next.outcome {
            case .bytes, .endOfStream: return (next.bytes, next.sockets)
            case .failed(let reason): throw .failed(reason)
            case .wouldBlock: break
            }
            let rest = deadline.since(.now())
            guard rest > .zero else { throw .silent }
            var request = pollfd(fd: carrier.number, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&request, 1, Int32(clamping: rest.nanoseconds / 1_000_000 + 1))
        }
    }

    /// A few bytes, which always have room in the socket's buffer.
    private func say(_ bytes: [UInt8]) throws(HandoverFault) {
        switch DescriptorPassing.send(bytes, [], over: carrier) {
        case .bytes(bytes.count): break
        // What it said before it closed can still be read: HAProxy 2.6 does not wait for the last acknowledgement.
        case .failed(.brokenPipe): break
        case .bytes, .wouldBlock: throw .failed(.noBufferSpace)
        case .failed(let reason): throw .failed(reason)
        }
    }
}

extension HandoverFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let reason): "\(reason)"
        case .refused: "the process there hands out none; its 'stats socket' line needs 'expose-fd listeners'"
        case .silent: "the process there does not answer"
        case .malformed(let what): "the process there answers something else: \(what)"
        case .failed(let reason): "the connection failed: \(reason)"
        }
    }
}
