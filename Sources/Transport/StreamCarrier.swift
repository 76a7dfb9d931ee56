// One stream of a connection that carries several (HTTP/2), as that which carries a transport's bytes: its user reads and writes content
// as over a descriptor of its own.

public import Basics
public import Reactor

/// What a transport does, done for one stream of a multiplexed connection.
open class StreamCarrier {
    public init() {}

    /// Moves content that has come into `input`, which holds a block with room.
    open func read(into input: inout ByteBuffer) -> Received {
        preconditionFailure("\(type(of: self)) reads nothing")
    }

    /// Takes as much of `bytes` as may be sent now. After `wouldBlock` the transport's owner is told when more may.
    open func write(_ bytes: RawSpan) -> Sent {
        preconditionFailure("\(type(of: self)) writes nothing")
    }

    /// This side sends no more.
    open func finishSending() {
        preconditionFailure("\(type(of: self)) does not end")
    }

    /// The owner has done with the stream. Once only.
    open func close(_ mode: CloseMode) {
        preconditionFailure("\(type(of: self)) does not close")
    }
}

extension Transport {
    /// A transport without a descriptor: what it is told of readiness comes from the multiplexed connection (`note`), and an end, or
    /// closing, concerns the stream alone.
    /// - Parameter stream: carries the bytes. It takes content at once.
    public init(over stream: StreamCarrier) {
        self.init(Socket(-1), stream)
        canWrite = true
    }
}
