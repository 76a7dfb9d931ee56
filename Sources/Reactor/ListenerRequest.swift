// Asks another process for its listening sockets (`-x`). For start-up only: it waits for the answers, for a limited time.

public import Basics
internal import Glibc
internal import SystemPackage

/// One request for another process's listening sockets.
public struct ListenerRequest: ~Copyable {
    /// How long the other process may be silent: its control thread may be busy for a second or two.
    public static let patience = TimeSpan.seconds(5)

    private let connection: WaitingConnection
    private var received: [Socket] = []
    private var bytes: [UInt8] = []

    /// Takes the listening sockets of the process whose runtime socket is at `path`. That process keeps its descriptors.
    /// - Returns: the sockets, which are the caller's, in the other process's order.
    public static func sockets(
        ofProcessAt path: String, patience: TimeSpan = Self.patience
    ) throws(HandoverFault) -> [HandedSocket] {
        try sockets(over: try connection(to: path, patience))
    }

    private static func connection(to path: String, _ patience: TimeSpan) throws(HandoverFault) -> WaitingConnection {
        do throws(WaitingFault) {
            return try WaitingConnection.connect(to: .path(path), patience: patience)
        } catch {
            throw HandoverFault(error)
        }
    }

    /// The same over a connection to a runtime socket that does not block, which it closes.
    public static func sockets(
        over carrier: Socket, patience: TimeSpan
    ) throws(HandoverFault) -> [HandedSocket] {
        try sockets(over: WaitingConnection(carrier, patience: patience))
    }

    private static func sockets(
        over connection: consuming WaitingConnection
    ) throws(HandoverFault) -> [HandedSocket] {
        var request = ListenerRequest(connection)
        do throws(HandoverFault) {
            return try request.run()
        } catch {
            for socket in request.received { Glibc.close(socket.number) }
            throw error
        }
    }

    private init(_ connection: consuming WaitingConnection) { self.connection = connection }

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
        do throws(WaitingFault) {
            return try connection.receive(atMost: bytesMax, descriptors: descriptors)
        } catch {
            throw HandoverFault(error)
        }
    }

    private func say(_ bytes: [UInt8]) throws(HandoverFault) {
        do throws(WaitingFault) {
            try connection.say(bytes)
        } catch {
            // What it said before it closed can still be read: HAProxy 2.6 does not wait for the last acknowledgement.
            if error != .failed(.brokenPipe) { throw HandoverFault(error) }
        }
    }
}

extension HandoverFault {
    fileprivate init(_ fault: WaitingFault) {
        switch fault {
        case .unreachable(let reason): self = .unreachable(reason)
        case .silent: self = .silent
        case .failed(let reason): self = .failed(reason)
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
