// Keeps the last message at each proxy that was not understood, for `show errors`. Costs nothing until there is one.

public import Admin
internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor
internal import Synchronization

/// Where a proxy keeps the last message that was not understood. Written by workers, read by the control plane.
final class CapturedErrorSlot: Sendable {
    private let last = Lock<CapturedError?>(nil)

    var message: CapturedError? { last.withLock { $0 } }

    func keep(_ message: CapturedError) { last.withLock { $0 = message } }
}

extension Plan {
    /// The last errors, proxy by proxy.
    public func capturedErrors() -> CapturedErrors {
        var messages = frontends.compactMap(\.live.refused.message) + backends.compactMap(\.live.refused.message)
        messages.sort { ($0.sortKey, $0.number) < ($1.sortKey, $1.number) }
        return CapturedErrors(messages, total: site.refusals.load(ordering: .relaxed))
    }
}

extension CapturedError {
    fileprivate var sortKey: Int { side == .request ? frontend.id * 2 : (backend?.id ?? 0) * 2 + 1 }
}

extension ProxyStream {
    /// Keeps the client's message.
    final func keepRefusedRequest(_ reason: String, _ worker: Worker) {
        var (bytes, position) = client.input.copy(withConsumed: Int(clamping: client.codec.bytesReceived))
        if bytes.isEmpty {
            // The buffer has passed its bytes on; the parsed head has the same content.
            bytes = Self.text(of: context.request)
            position = bytes.count
        }
        keep(.request, reason, bytes, position, of: frontend.live.refused, worker)
    }

    /// Keeps the server's message.
    final func keepRefusedResponse(_ reason: String, _ worker: Worker) {
        guard let connection, let backend else { return }
        var (bytes, position) = connection.input.copy(withConsumed: .max)
        if bytes.isEmpty {
            bytes = Self.text(of: context.response)
            position = bytes.count
        }
        keep(.response, reason, bytes, position, of: backend.live.refused, worker)
    }

    /// Keeps a message that was let through, for the operator to see what `accept-invalid` is still needed for.
    final func keepToleratedRequest(_ reason: String, at position: Int, _ worker: Worker) {
        let bytes = Self.text(of: context.request)
        keep(.request, "accepted: \(reason)", bytes, min(position, bytes.count), of: frontend.live.refused, worker)
    }

    final func keepToleratedResponse(_ reason: String, at position: Int, _ worker: Worker) {
        guard let backend else { return }
        let bytes = Self.text(of: context.response)
        keep(.response, "accepted: \(reason)", bytes, min(position, bytes.count), of: backend.live.refused, worker)
    }

    private func keep(
        _ side: CapturedError.Side, _ reason: String, _ bytes: [UInt8], _ position: Int, of slot: CapturedErrorSlot,
        _ worker: Worker
    ) {
        var message = CapturedError(
            side, at: worker.kernel.wallTime(), frontend: .init(name: frontend.name, id: frontend.id),
            backend: backend.map { .init(name: $0.name, id: $0.id) }, client: context.client, reason: reason,
            bytes: bytes, position: position, bufferBytes: worker.bufferBytes)
        if let server { message.server = .init(name: server.name, id: server.id) }
        if side == .request { message.skipped = max(0, Int(clamping: client.codec.bytesReceived) - position) }
        message.number = worker.shared.refusals.wrappingAdd(1, ordering: .relaxed).oldValue
        slot.keep(message)
    }

    private static func text(of head: borrowing RequestHead) -> [UInt8] {
        guard head.methodName.byteCount > 0 else { return [] }
        var text: [UInt8] = []
        text.append(head.methodName)
        text.append(0x20)
        text.append(head.target)
        text.append(0x20)
        text.append(head.versionName)
        text.append("\r\n")
        append(head.fields, to: &text)
        return text
    }

    private static func text(of head: borrowing ResponseHead) -> [UInt8] {
        var text = Array("HTTP/1.1 \(head.status) ".utf8)
        text.append(head.reason)
        text.append("\r\n")
        append(head.fields, to: &text)
        return text
    }

    private static func append(_ fields: borrowing HeaderFields, to text: inout [UInt8]) {
        for i in 0..<fields.count {
            text.append(fields.name(i))
            text.append(": ")
            text.append(fields.value(i))
            text.append("\r\n")
        }
        text.append("\r\n")
    }
}
