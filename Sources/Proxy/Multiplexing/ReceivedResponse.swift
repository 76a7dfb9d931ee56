// A response on a stream of HTTP/2 before its exchange takes it: frames come when the server sends them, not when they are asked for.

internal import Basics
internal import Expressions
internal import HTTP

struct ReceivedResponse: ~Copyable {
    var head = ResponseHead()
    /// The head waits to be taken.
    private(set) var isWaiting = false
    /// A head has come, interim or final.
    private(set) var hasBegun = false
    /// Why there is no head that can be passed on.
    private(set) var fault: MessageFault?
    /// The request was a HEAD.
    var isToHead = false
    /// The protocol that the request asks for; empty for none. The key of a client of WebSocket, to which the server's consent is an
    /// answer; empty for other protocols.
    private var upgrade: [UInt8] = []
    private var webSocketKey: [UInt8] = []

    mutating func begin() {
        head.clear()
        isWaiting = false
        hasBegun = false
        fault = nil
        isToHead = false
        upgrade.removeAll(keepingCapacity: true)
        webSocketKey.removeAll(keepingCapacity: true)
    }

    /// The request asks for another protocol.
    mutating func noteUpgrade(of request: borrowing RequestHead) {
        upgrade.append(request.upgrade)
        guard request.asksForWebSocket, let key = request.fields.first(.secWebSocketKey) else { return }
        webSocketKey.append(request.fields.value(key))
    }

    /// The server has agreed to another protocol, if one was asked for: as HTTP/1.1 says it.
    mutating func becomeUpgrade() {
        if upgrade.isEmpty { return }
        head.setStatus(101)
        head.fields.append(.upgrade, upgrade)
        head.fields.append(.connection, "upgrade")
        if webSocketKey.isEmpty { return }
        var consent: [UInt8] = []
        WebSocketKey.appendConsent(to: webSocketKey, &consent)
        head.fields.append(name: "sec-websocket-accept", String(decoding: consent, as: UTF8.self))
    }

    /// Lends the place for a head that has come. An interim one that nothing has taken is lost: it was advice.
    mutating func receive(_ read: (inout ResponseHead) -> HeadResult) -> HeadResult {
        head.clear()
        hasBegun = true
        let result = read(&head)
        switch result {
        case .whole: break
        case .malformed(let fault): self.fault = fault
        case .undecodable: fault = .invalidCompression
        }
        isWaiting = true
        return result
    }

    /// There will be no response.
    mutating func refuse(_ fault: MessageFault) {
        self.fault = fault
        isWaiting = true
    }

    /// Hands the head over.
    mutating func take(into target: inout ResponseHead) -> ParseProgress {
        guard isWaiting else { return .needMore }
        isWaiting = false
        if let fault { return .failed(fault) }
        swap(&head, &target)
        return .complete
    }
}
