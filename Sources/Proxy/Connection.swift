// A transport with its two buffers, which exist only while bytes are in them. It knows bytes, not HTTP.

internal import Basics
internal import HTTP
internal import Reactor
internal import SystemPackage
internal import TLS
internal import Transport

class Connection: EventSource {
    @safe @exclusivity(unchecked) final var transport: Transport
    /// Read and not yet understood.
    @safe @exclusivity(unchecked) final var input = ByteBuffer()
    /// To be sent.
    @safe @exclusivity(unchecked) final var output = ByteBuffer()

    init(_ socket: Socket) { transport = Transport(socket) }

    /// A connection over one stream of a multiplexed one.
    init(over stream: StreamCarrier) { transport = Transport(over: stream) }

    final var socket: Socket { transport.socket }

    /// Reads once, as much as the buffer has room for.
    final func fill(_ worker: Worker) -> ReadResult { transport.read(into: &input, worker.buffers, worker.kernel) }

    /// Sends what `output` holds, as far as the system takes it. With `more`, `push` has to follow if nothing else does.
    final func flush(_ worker: Worker, more: Bool = false) -> WriteResult {
        transport.write(&output, more: more, sent: &worker.bytesSent, worker.buffers, worker.kernel)
    }

    /// Reads at most `limit` bytes into an empty pipe.
    final func fill(_ pipe: any Pipe, atMost limit: Int, received: inout Int, _ worker: Worker) -> ReadResult {
        transport.read(into: pipe, atMost: limit, received: &received, worker.kernel)
    }

    /// Sends what `pipe` holds, once `output` is empty.
    final func flush(_ pipe: any Pipe, _ worker: Worker, more: Bool) -> WriteResult {
        transport.write(from: pipe, more: more, sent: &worker.bytesSent, worker.kernel)
    }

    /// Nothing follows for now what was sent with `more`.
    final func push(_ worker: Worker) { transport.push(worker.kernel) }

    /// Sends part of a file, once `output` is empty.
    final func sendFile(_ file: Int32, offset: Int, count: Int, _ worker: Worker) -> Sent {
        transport.sendFile(file, offset: offset, count: count, sent: &worker.bytesSent, worker.buffers, worker.kernel)
    }

    /// Closes and leaves the worker's table; the object is not used afterwards. Once only.
    final func close(_ worker: Worker, _ mode: CloseMode = .close) {
        input.release(to: worker.buffers)
        output.release(to: worker.buffers)
        worker.leave(self)
        transport.close(mode, worker.kernel)
    }

    // MARK: For what is built on it

    final var hasEnded: Bool { transport.hasEnded }
    /// Whether bytes may still come that fit into the buffer.
    final var mayReceiveMore: Bool { !transport.hasEnded && !input.isFull }
    final var hasUnreadInput: Bool { !input.isEmpty }
    /// Whether there are unread bytes, here or, as far as is known without asking, in the system.
    final var mayHaveInput: Bool { !input.isEmpty || transport.mayHaveInput }
    /// Bytes that are still to be sent.
    final var bytesToSend: Int { output.count }
    final func releaseEmptyInput(_ worker: Worker) { input.releaseIfEmpty(to: worker.buffers) }
    final func dropInput(_ worker: Worker) { input.release(to: worker.buffers) }

    /// Looks for the end of a body that stays in the input buffer; `isAll`: nothing comes behind what is there.
    final func look(for probe: inout BodyProbe, isAll: Bool) -> BodyProbe.Found {
        let found = probe.look(at: input)
        return isAll && found == .needsMore ? .whole : found
    }

    /// Appends a copy of the bytes that were read and that nothing has consumed.
    final func copyInput(to out: inout [UInt8]) { Self.append(input, to: &out) }

    // A span of a property of a class does not outlive the expression it stands in; one of a parameter does.
    private static func append(_ buffer: borrowing ByteBuffer, to out: inout [UInt8]) { out.append(buffer.readable) }
}
