// What an exchange or a tunnel does with its client: heads, content and ends, through the codec of the connection. In HTTP/1 the
// connection itself is the one stream on it.

internal import Admin
internal import Basics
internal import HTTP
internal import Reactor
internal import StaticFiles
internal import Transport

extension ClientConnection {
    // MARK: Reading

    /// A request's head is whole: how much content follows, or why that is uncertain.
    func requestBegins(_ head: borrowing RequestHead, _ worker: Worker) -> Result<ContentLength, MessageFault> {
        let content = codec.headComplete(head)
        if isLastStream(worker) || frontend.keepAlive == .close { codec.endAfterResponse() }
        return content
    }

    /// Moves content that is here to a server's connection.
    func moveContent(
        _ transfer: inout BodyTransfer, to server: ServerConnection, _ worker: Worker
    ) -> TransferResult {
        server.output.acquire(from: worker.buffers)
        let before = input.count
        let result = transfer.move(
            from: &input, to: &server.output, isAll: codec.contentHasEnded, trailers: codec.trailers)
        codec.countReceived(before - input.count)
        return result
    }

    /// Moves content that is here into a store.
    func moveContent(_ transfer: inout BodyTransfer, into store: BodyStore) -> TransferResult {
        let before = input.count
        let result = store.put {
            transfer.move(from: &input, to: &$0, isAll: codec.contentHasEnded, trailers: codec.trailers)
        }
        codec.countReceived(before - input.count)
        return result
    }

    /// Throws away content that is here already, so that the connection can stay; false if more of it is to come.
    func skipContent(of transfer: inout BodyTransfer) -> Bool {
        // Behind a head or body that was malformed nothing is known to be a body.
        guard codec.keepsAlive, !transfer.isComplete else { return transfer.isComplete }
        let before = input.count
        let isWhole = transfer.discard(from: &input)
        codec.countReceived(before - input.count)
        return isWhole
    }

    /// Appends a copy of the request's content that is in the buffer.
    func copyContent(to out: inout [UInt8]) { codec.copyContent(of: input, to: &out) }

    /// Bytes that were read and that nothing has consumed.
    var unreadBytes: Int { input.count }
    func mayHaveMoreOf(_ transfer: borrowing BodyTransfer) -> Bool { !transfer.isComplete && mayHaveInput }
    func countUnreadInput() { codec.countReceived(input.count) }

    // MARK: What is known of the client without reading

    /// Whether a read may say something, and has room.
    var mayRead: Bool {
        (transport.mayHaveInput || transport.hasEnded) && (input.room > 0 || !input.holdsBlock)
    }
    /// Likewise where the next request, sent ahead, is to wait in the buffer.
    var mayReadAhead: Bool { (transport.mayHaveInput || transport.hasEnded) && input.isEmpty }
    /// It sends no more, or the connection is broken.
    var hasLeft: Bool { transport.peerFinished || transport.hasFailed }
    var failedForShortage: Bool { transport.failedForShortage }

    // MARK: Writing

    /// No other request is read on this connection after the present exchange.
    func endAfterResponse() { codec.endAfterResponse() }

    /// Puts an interim response before the response.
    func sendInterim(_ head: borrowing ResponseHead, _ worker: Worker) {
        output.acquire(from: worker.buffers)
        let before = output.count
        codec.writeInterim(head, to: &output)
        if frontend.adjustsCase { frontend.settings.caseAdjustments.apply(to: &output, from: before) }
    }

    func sendContinue(_ worker: Worker) {
        output.acquire(from: worker.buffers)
        codec.writeContinue(to: &output)
    }

    /// Puts a response's head into the buffer; what writes its content, or nil if the head does not fit.
    func send(_ head: inout ResponseHead, content: ContentLength, _ worker: Worker) -> BodyWriter? {
        output.acquire(from: worker.buffers)
        if output.room < worker.bufferBytes { output.compact() }
        let before = output.count
        let writer = codec.write(&head, content: content, to: &output)
        if frontend.adjustsCase { frontend.settings.caseAdjustments.apply(to: &output, from: before) }
        return writer
    }

    /// Puts the head into the buffer behind which a tunnel begins; false if it does not fit.
    func sendTunnelHead(_ head: inout ResponseHead, isUpgrade: Bool, _ worker: Worker) -> Bool {
        output.acquire(from: worker.buffers)
        return codec.writeTunnelHead(&head, isUpgrade: isUpgrade, to: &output)
    }

    /// Puts the end of the response's framing into the buffer, when the server has closed; false if the content is cut short.
    func endContent(_ transfer: inout BodyTransfer, _ worker: Worker) -> Bool {
        output.acquire(from: worker.buffers)
        let before = output.count
        let isWhole = transfer.inputEnded(to: &output)
        codec.countSent(output.count - before)
        return isWhole
    }

    /// Puts as much of an answer into the buffer as fits. The system sends files whose content is not kept.
    func send(_ answer: inout LocalAnswer, _ worker: Worker) {
        switch answer {
        case .bytes(let bytes, let sent):
            if sent < bytes.count { answer = .bytes(bytes, sent: send(bytes, from: sent, worker)) }
        case .file(let file, let sent):
            guard let content = file.content, sent < content.count else { return }
            answer = .file(file, sent: send(content, from: sent, worker))
        case .pieces(let pieces, let writer?): if !send(pieces, with: writer, worker) { answer = .none }
        case .pieces(_, nil), .none: break
        }
    }

    /// One piece after the other, as many as fit; false once all are in the buffer, and the end of their framing.
    private func send(_ pieces: PiecewiseAnswer, with writer: BodyWriter, _ worker: Worker) -> Bool {
        output.acquire(from: worker.buffers)
        let before = output.count
        var made = ByteBuffer()
        made.acquire(from: worker.buffers)
        defer { made.release(to: worker.buffers) }
        let room = writer.room(in: output)
        guard room > 0 else { return true }
        let hasMore = pieces.fill(&made, limit: room, at: worker.now)
        if !made.isEmpty { writer.write(made.count, from: &made, to: &output) }
        if !hasMore {
            var writer = writer
            let isWhole = writer.finish(to: &output)
            precondition(isWhole, "the end of the framing did not fit into the room kept for it")
        }
        codec.countSent(output.count - before)
        return hasMore
    }

    /// Returns how many of the bytes are sent or in the buffer now.
    private func send(_ bytes: [UInt8], from sent: Int, _ worker: Worker) -> Int {
        output.acquire(from: worker.buffers)
        let count = min(output.room, bytes.count - sent)
        let fits = output.append(unsafe bytes.span.bytes.extracting(sent..<sent + count))
        precondition(fits, "\(count) bytes did not fit")
        codec.countSent(count)
        return sent + count
    }

    /// Fills the empty buffer from a store; false if that cannot be read back.
    func sendStored(_ store: BodyStore, _ worker: Worker) -> Bool {
        output.acquire(from: worker.buffers)
        guard store.take(into: &output) else { return false }
        codec.countSent(output.count)
        return true
    }

    /// Sends part of a file, once the buffer is empty.
    func sendFileContent(_ file: Int32, offset: Int, count: Int, _ worker: Worker) -> Sent {
        let sent = sendFile(file, offset: offset, count: count, worker)
        if case .bytes(let count) = sent { codec.countSent(count) }
        return sent
    }

    var hasOutput: Bool { !output.isEmpty }
    /// Whether the buffer has room for so many bytes; it holds a block afterwards.
    func hasRoom(for count: Int, _ worker: Worker) -> Bool {
        output.acquire(from: worker.buffers)
        if output.room < count { output.compact() }
        return output.room >= count
    }
}
