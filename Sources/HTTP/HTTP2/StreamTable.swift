// The streams of one connection: a table of slots that are used again, and the numbers under which the peer knows them.

/// A stream's place in the tables of its connection, for as long as the stream is there.
public typealias StreamSlot = Int

/// What a connection knows of one stream (RFC 9113 section 5).
struct StreamState: Sendable {
    let id: UInt32
    /// Content that may be sent; below zero after the peer has made its windows smaller (RFC 9113 section 6.9.2).
    var sendWindow: Int
    /// Content that the peer may send.
    var receiveWindow: Int
    /// Content that was taken out and is not given back to the peer's window yet.
    var consumed = 0
    /// The peer sends no more: END_STREAM or RST_STREAM has come.
    var peerHasEnded = false
    /// This side sends no more.
    var hasEnded = false
    /// The request's head has come or was sent: until then the stream is idle to the peer.
    var hasBegun = true
    /// This side has reset it: what was under way from the peer has no meaning.
    var isReset = false
    /// The final head has come: what follows is content or trailers.
    var hasHead = false
    /// Content that is still to come, where the head says how much; nil where it does not.
    var contentLeft: UInt64?
    /// Content that is still to be sent, where its end is the stream's; nil where the end is told apart.
    var contentToSend: UInt64?
    /// Nothing of the proxy uses it any more: what the peer still sends on it is passed over.
    var isAbandoned = false
    var priority = StreamPriority()
    /// It is in the order of those that wait for their turn to send.
    var isWaiting = false

    init(id: UInt32, sendWindow: Int, receiveWindow: Int) {
        self.id = id
        self.sendWindow = sendWindow
        self.receiveWindow = receiveWindow
    }
}

struct StreamTable: Sendable {
    /// A slot without a stream has one of number 0, which no stream has.
    private var slots: [StreamState] = []
    private var free: [StreamSlot] = []
    /// By number, in the order of the numbers, which only grow.
    private var numbers: [(id: UInt32, slot: StreamSlot)] = []

    var count: Int { numbers.count }
    var isEmpty: Bool { numbers.isEmpty }

    subscript(slot: StreamSlot) -> StreamState {
        get {
            precondition(slots[slot].id != 0, "slot \(slot) has no stream")
            return slots[slot]
        }
        _modify {
            precondition(slots[slot].id != 0, "slot \(slot) has no stream")
            yield &slots[slot]
        }
    }

    /// Whether the slot has a stream.
    func holds(_ slot: StreamSlot) -> Bool { slot < slots.count && slots[slot].id != 0 }

    /// The slot of the stream `id`; nil if there is none.
    func slot(of id: UInt32) -> StreamSlot? {
        var low = 0
        var high = numbers.count
        while low < high {
            let middle = (low &+ high) / 2
            if numbers[middle].id < id { low = middle &+ 1 } else { high = middle }
        }
        return low < numbers.count && numbers[low].id == id ? numbers[low].slot : nil
    }

    /// Adds a stream, whose number is higher than all others'.
    mutating func insert(_ state: StreamState) -> StreamSlot {
        precondition(numbers.last.map { $0.id < state.id } ?? true, "stream \(state.id) is not the newest")
        let slot: StreamSlot
        if let spare = free.popLast() {
            slot = spare
            slots[slot] = state
        } else {
            slot = slots.count
            slots.append(state)
        }
        numbers.append((state.id, slot))
        return slot
    }

    mutating func remove(_ slot: StreamSlot) {
        let id = self[slot].id
        guard let index = numbers.firstIndex(where: { $0.id == id }) else { return }
        numbers.remove(at: index)
        slots[slot] = StreamState(id: 0, sendWindow: 0, receiveWindow: 0)
        free.append(slot)
    }

    /// Slots of all streams, the oldest first.
    var all: [StreamSlot] { numbers.map(\.slot) }

    /// The oldest stream that satisfies `condition`.
    func oldest(where condition: (StreamState) -> Bool) -> StreamSlot? {
        numbers.first { condition(self[$0.slot]) }?.slot
    }

    mutating func forEach(_ body: (inout StreamState) -> Void) {
        for (_, slot) in numbers { body(&self[slot]) }
    }
}
