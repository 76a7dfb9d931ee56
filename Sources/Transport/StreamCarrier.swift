// One stream of a connection that carries several (HTTP/2), as that which carries a transport's bytes: its user reads and writes content
// as over a descriptor of its own, and knows nothing of the others.

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
