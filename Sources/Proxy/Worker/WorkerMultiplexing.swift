// What a worker does for connections of HTTP/2: has them send at the end of its turn, and keeps objects for their streams.

internal import Basics

extension Worker {
    /// Has the connection send what it has at the end of this turn.
    func flushLater(_ multiplexer: Multiplexer) { unflushed.append(multiplexer) }

    /// What is sent may let streams go on, which then send on other connections: those follow in this turn too, as far as that is fair.
    func flushMultiplexers() {
        for _ in 0..<Limits.movesPerTurn where !unflushed.isEmpty {
            let multiplexers = unflushed
            unflushed.removeAll(keepingCapacity: true)
            for multiplexer in multiplexers { multiplexer.flushNow() }
        }
    }

    /// Takes the connection of one stream of HTTP/2 into the table: nothing of it is watched.
    func enterStream(_ connection: Connection) { connection.entered(as: slots.insert(connection)) }

    /// A connection object for a stream of `client` in HTTP/2.
    func takeClientStream(of client: ClientConnection) -> ClientConnection {
        spareClientStreams.popLast() ?? ClientConnection(streamOf: client, self)
    }

    /// The stream has ended: its object can serve another.
    func recycle(_ stream: ClientConnection) {
        if spareClientStreams.count < Limits.spareStreams { spareClientStreams.append(stream) }
    }
}
