// What an exchange does with its server: heads, content and ends, through the codec of the connection. In HTTP/1 the connection
// itself is the one stream on it.

internal import Basics
internal import HTTP
internal import Reactor
internal import Transport

extension ServerConnection {
    // MARK: Writing

    /// Puts a request's head into the buffer; false if it does not fit.
    func send(
        _ head: borrowing RequestHead, content: ContentLength, options: RequestConnectionOptions, isSecure: Bool,
        _ worker: Worker
    ) -> Bool {
        output.acquire(from: worker.buffers)
        let before = output.count
        let fits = codec.write(
            head, content: content, options: options,
            limits: backend.headLimits, isSecure: isSecure || base.isSecure, to: &output)
        if backend.adjustsCase { backend.settings.caseAdjustments.apply(to: &output, from: before) }
        return fits
    }

    /// Puts what is stored of a body into the buffer, as much as fits; false if it cannot be read back.
    func sendStored(_ store: BodyStore, _ worker: Worker) -> Bool {
        output.acquire(from: worker.buffers)
        return output.room == 0 || store.take(into: &output)
    }

    /// What was not sent yet is not wanted any more.
    func dropOutput(_ worker: Worker) { output.release(to: worker.buffers) }
    var peerStoppedReading: Bool { transport.peerStoppedReading }
    var isFinishedSending: Bool { transport.isFinishedSending }
    func finishSending(_ worker: Worker) { transport.finishSending(worker.kernel) }

    // MARK: Reading

    /// Whether only more bytes help with a response's head.
    var needsMoreForHead: Bool { codec.needsInputForHead(!input.isEmpty) }

    func readHead(into head: inout ResponseHead) -> ParseProgress { codec.readHead(from: &input, into: &head) }

    /// A final response's head is whole: how much content follows, or why that is uncertain.
    func readContentLength(
        _ head: borrowing ResponseHead, requestMethod: HTTP.Method
    ) -> Result<ContentLength, MessageFault> {
        let content = codec.headComplete(head, requestMethod: requestMethod)
        if head.authenticatesConnection { isPrivate = true }
        return content
    }

    /// Moves content that is here to a client.
    func moveContent(
        _ transfer: inout BodyTransfer, to client: ClientConnection, _ worker: Worker
    ) -> TransferResult {
        client.output.acquire(from: worker.buffers)
        if !client.output.isEmpty { client.output.compact() }
        let before = client.output.count
        let result = transfer.move(
            from: &input, to: &client.output, isAll: codec.contentHasEnded, trailers: codec.trailers)
        client.codec.countSent(client.output.count - before)
        return result
    }

    /// Moves content that is here into a store.
    func moveContent(_ transfer: inout BodyTransfer, into store: BodyStore) -> TransferResult {
        store.put { transfer.move(from: &input, to: &$0, isAll: codec.contentHasEnded, trailers: codec.trailers) }
    }

    /// Appends a copy of the response's content that is in the buffer.
    func copyContent(to out: inout [UInt8]) { codec.copyContent(of: input, to: &out) }

    /// The connection broke; or in TLS it ended without the server's word that nothing more follows.
    var readFailed: Bool { transport.readFailure != nil || transport.isTruncated }

    /// The client has to take something before the server is read again.
    func waitForClient(_ worker: Worker) {
        setDeadline(.never, worker)
        releaseEmptyInput(worker)
    }

    /// Nothing is left of the response, and both sides still speak.
    var isQuiet: Bool { input.isEmpty && !transport.hasFailed && !transport.isFinishedSending }
}
