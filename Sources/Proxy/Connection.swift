// A transport with its two buffers, which exist only while bytes are in them. It knows bytes, not HTTP.

internal import Basics
internal import Reactor
internal import SystemPackage
internal import Transport

class Connection: EventSource {
    final var transport: Transport
    /// Read and not yet understood.
    final var input = ByteBuffer()
    /// To be sent.
    final var output = ByteBuffer()

    init(_ socket: Socket) { transport = Transport(socket) }

    final var socket: Socket { transport.socket }

    /// Reads once, as much as the buffer has room for.
    final func fill(_ worker: Worker) -> ReadResult { transport.read(into: &input, worker.buffers, worker.kernel) }

    /// Sends what `output` holds, as far as the system takes it.
    final func flush(_ worker: Worker, more: Bool = false) -> WriteResult {
        transport.write(&output, more: more, sent: &worker.bytesSent, worker.buffers, worker.kernel)
    }

    /// Sends part of a file, once `output` is empty.
    final func sendFile(_ file: Int32, offset: Int, count: Int, _ worker: Worker) -> Sent {
        transport.sendFile(file, offset: offset, count: count, sent: &worker.bytesSent, worker.kernel)
    }

    /// Closes and leaves the worker's table; the object is not used afterwards. Once only.
    final func close(_ worker: Worker, _ mode: CloseMode = .close) {
        input.release(to: worker.buffers)
        output.release(to: worker.buffers)
        worker.leave(self)
        transport.close(mode, worker.kernel)
    }
}
