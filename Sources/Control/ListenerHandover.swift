// Hands the listening sockets to another process, over a connection to the runtime socket (`_getsocks`), in the messages of
// `ListenerMessages`. This process goes on listening until it is told to stop; it only treats the sockets as shared from then on.

internal import Basics
public import Reactor
internal import Transport

/// The listening sockets that this process hands out, and how it says that it has.
public struct ExposedListeners {
    let sockets: [HandedSocket]
    let shared: SharedSockets

    /// - Parameters:
    ///   - sockets: each socket once, whichever workers listen on it.
    ///   - shared: gets them when they are handed out.
    public init(_ sockets: [HandedSocket] = [], shared: SharedSockets = SharedSockets()) {
        self.sockets = sockets.filter(ListenerMessages.isTransferable)
        self.shared = shared
    }
}

/// One handover, driven by the events of its connection.
struct ListenerHandover {
    /// How long the other process may take to acknowledge a message.
    static let patience = TimeSpan.seconds(5)

    enum Progress: Equatable {
        /// An acknowledgement has to come.
        case waiting
        case done(count: Int)
        case failed(String)
    }

    private var rest: ArraySlice<HandedSocket>
    private let shared: SharedSockets
    private let count: Int
    private var hasBegun = false
    /// Bytes of the acknowledgement that have not come.
    private var missing = 0

    init(_ listeners: ExposedListeners) {
        rest = listeners.sockets[...]
        count = listeners.sockets.count
        shared = listeners.shared
    }

    /// Whether a message has been sent since `advance` was called last, so that a new time-out begins.
    private(set) var hasSent = false

    /// Takes acknowledgements and sends what follows them.
    mutating func advance(_ stream: inout ByteStream?, _ kernel: any Kernel) -> Progress {
        hasSent = false
        guard let carrier = stream?.socket else { return .failed("the connection is closed") }
        if !hasBegun {
            hasBegun = true
            guard DescriptorPassing.isPossible(over: carrier) else { return .failed("this is no Unix-domain socket") }
            if let fault = send(ListenerMessages.word(count), [], carrier) { return .failed(fault) }
        }
        while true {
            while missing > 0 {
                if stream?.hasInput == false {
                    switch stream?.read(kernel) {
                    case .blocked?: return .waiting
                    case .progressed?, .full?: break
                    case .ended?, .failed?, nil: return .failed("the other process closed the connection")
                    }
                }
                let wanted = missing
                let taken = stream?.consumeInput { bytes, consumed in
                    consumed = min(bytes.byteCount, wanted)
                    return consumed
                }
                missing -= taken ?? 0
            }
            let next = rest.prefix(ListenerMessages.descriptorsMax)
            guard !next.isEmpty else { return .done(count: count) }
            rest = rest.dropFirst(next.count)
            // Before the other process has them: what ends listening must not be done from now on.
            for handed in next { shared.insert(handed.socket) }
            if let fault = send(ListenerMessages.entries(of: next), next.map(\.socket), carrier) {
                return .failed(fault)
            }
            missing = ListenerMessages.wordBytes
        }
    }

    /// Returns why it failed; nil if it did not.
    private mutating func send(_ bytes: [UInt8], _ sockets: [Socket], _ carrier: Socket) -> String? {
        hasSent = true
        switch DescriptorPassing.send(bytes, sockets, over: carrier) {
        case .bytes(bytes.count): return nil
        // The other process has acknowledged what came before, so there is room for a message.
        case .bytes, .wouldBlock: return "the connection takes no message"
        case .failed(let reason): return "\(reason)"
        }
    }
}
