// The requests that wait for a connection slot of a server, in the order in which they are served: one queue for any server of the backend,
// and one for each server that a request waits for alone. A plain value; the lock around it is in `RequestQueue`.

public import Basics

/// One wait of one request. An entry of the table is used again, a number never is.
public struct QueueTicket: Equatable, Sendable {
    fileprivate let index: Int
    fileprivate let number: UInt64
}

/// Where a request stands among those that wait: a lower class is served first, and within a class the earlier time.
public struct QueuePriority: Sendable {
    /// The class.
    let level: Int
    /// When the request came, and the milliseconds that a rule adds to that.
    let time: Instant
    let offset: Int

    /// - Parameter offset: in milliseconds.
    public init(class level: Int = 0, offset: Int = 0, now: Instant = Instant(nanoseconds: 0)) {
        self.level = level
        self.offset = offset
        time = now
    }
}

/// A request that waits.
struct Waiter: Equatable {
    /// The worker it belongs to, and the number by which that worker knows it.
    let worker: Int
    let owner: UInt64
    /// The server that has just failed it.
    var avoiding: ObjectIdentifier?
    /// Until when that server is avoided.
    var avoidsUntil = Instant(nanoseconds: 0)
}

/// The queues of one backend.
struct PriorityQueues {
    /// The first is for any server. Those of single servers are added when a request first waits for one.
    private var queues = [Queue(server: nil)]
    private var queueByServer: [ObjectIdentifier: Int] = [:]
    /// Indices of `queues` whose server has been removed.
    private var freeQueues: [Int] = []
    private var entries: [Entry] = []
    private var freeEntries: [Int] = []
    private var nextNumber: UInt64 = 1
    /// The latest time at which a request has joined, in milliseconds. Workers' clocks differ by a moment: a request that joins
    /// later is not served earlier because its worker's clock is behind.
    private var latest = 0

    private struct Queue {
        /// nil for any server.
        let server: Server?
        var first = Self.end
        var last = Self.end
        /// Requests that have got a connection slot out of this queue.
        var served: UInt64 = 0

        /// Stands for no entry.
        static let end = -1
    }

    private struct Entry {
        /// 0 while the entry is free.
        var number: UInt64
        var waiter: Waiter
        var level: Int
        /// When the request joined, in milliseconds, with what its priority adds.
        var due: Int
        var queue: Int
        /// `served` of its queue when it joined.
        var servedBefore: UInt64
        var previous: Int
        var next: Int
    }

    /// The queue for a server, or for any; nil if no request has waited for that server yet.
    private func queue(for server: Server?) -> Int? {
        guard let server else { return 0 }
        return queueByServer[ObjectIdentifier(server)]
    }

    /// - Parameter server: nil for any.
    mutating func join(
        _ waiter: Waiter, _ priority: QueuePriority = QueuePriority(), for server: Server?
    ) -> QueueTicket {
        let number = nextNumber
        nextNumber += 1
        let index = freeEntries.popLast() ?? entries.count
        let queue = queue(for: server) ?? addQueue(for: server)
        latest = max(latest, Int(priority.time.nanoseconds / 1_000_000))
        let new = Entry(
            number: number, waiter: waiter, level: priority.level, due: latest + priority.offset, queue: queue,
            servedBefore: 0, previous: Queue.end, next: Queue.end)
        if index == entries.count { entries.append(new) } else { entries[index] = new }
        insert(index, into: queue, before: successor(of: index, in: queue))
        return QueueTicket(index: index, number: number)
    }

    private mutating func addQueue(for server: Server?) -> Int {
        let index = freeQueues.popLast() ?? queues.count
        if index == queues.count { queues.append(Queue(server: server)) } else { queues[index] = Queue(server: server) }
        if let server { queueByServer[ObjectIdentifier(server)] = index }
        return index
    }

    /// The entry before which a new one stands in a queue. Searched from both ends: most requests stand last, and those that
    /// rules prefer first or nearly so.
    private func successor(of index: Int, in queue: Int) -> Int {
        var front = queues[queue].first
        var back = queues[queue].last
        while front != Queue.end && back != Queue.end {
            if precedes(back, index) { return entries[back].next }
            if precedes(index, front) { return front }
            back = entries[back].previous
            front = entries[front].next
        }
        return queues[queue].first
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (entries[a].level, entries[a].due, entries[a].number) < (entries[b].level, entries[b].due, entries[b].number)
    }

    /// Whether `a` is served before `b`; both wait.
    func precedes(_ a: QueueTicket, _ b: QueueTicket) -> Bool { precedes(a.index, b.index) }

    /// The first request of a queue; nil if the queue is empty.
    func first(for server: Server?) -> QueueTicket? {
        guard let queue = queue(for: server), queues[queue].first != Queue.end else { return nil }
        return QueueTicket(index: queues[queue].first, number: entries[queues[queue].first].number)
    }

    /// The first request of a queue that satisfies `condition`, among the first `most`.
    func first(for server: Server?, among most: Int, where condition: (Waiter) -> Bool) -> QueueTicket? {
        guard let queue = queue(for: server) else { return nil }
        var index = queues[queue].first
        var looked = 0
        while index != Queue.end, looked < most {
            if condition(entries[index].waiter) { return QueueTicket(index: index, number: entries[index].number) }
            index = entries[index].next
            looked += 1
        }
        return nil
    }

    /// The request of a ticket, and the server it waits for alone; nil if it waits no more.
    func look(_ ticket: QueueTicket) -> (waiter: Waiter, server: Server?)? {
        guard entries[ticket.index].number == ticket.number else { return nil }
        return (entries[ticket.index].waiter, queues[entries[ticket.index].queue].server)
    }

    /// Takes a request out of its queue. Returns how many were served from that queue while it waited, and one for itself, as
    /// HAProxy counts; nil if it waits no more.
    /// - Parameter isServed: it has got a connection slot.
    mutating func remove(_ ticket: QueueTicket, isServed: Bool) -> Int? {
        let index = ticket.index
        guard entries[index].number == ticket.number else { return nil }
        let entry = entries[index]
        if entry.previous == Queue.end {
            queues[entry.queue].first = entry.next
        } else {
            entries[entry.previous].next = entry.next
        }
        if entry.next == Queue.end {
            queues[entry.queue].last = entry.previous
        } else {
            entries[entry.next].previous = entry.previous
        }
        entries[index].number = 0
        freeEntries.append(index)
        let position = Int(queues[entry.queue].served - entry.servedBefore) + 1
        if isServed { queues[entry.queue].served += 1 }
        return position
    }

    /// Lets all requests that wait for a server alone wait for any, as if they always had. Returns how many there are.
    mutating func release(from server: Server) -> Int {
        guard let own = queue(for: server) else { return 0 }
        var count = 0
        var at = queues[0].first
        while queues[own].first != Queue.end {
            let index = queues[own].first
            queues[own].first = entries[index].next
            while at != Queue.end && precedes(at, index) { at = entries[at].next }
            insert(index, into: 0, before: at)
            count += 1
        }
        queues[own].last = Queue.end
        return count
    }

    /// The same for a server that its backend has no more: what is kept for it goes too.
    mutating func remove(_ server: Server) -> Int {
        let count = release(from: server)
        if let own = queueByServer.removeValue(forKey: ObjectIdentifier(server)) {
            queues[own] = Queue(server: nil)
            freeQueues.append(own)
        }
        return count
    }

    private mutating func insert(_ index: Int, into queue: Int, before next: Int) {
        let previous = next == Queue.end ? queues[queue].last : entries[next].previous
        entries[index].queue = queue
        entries[index].servedBefore = queues[queue].served
        entries[index].previous = previous
        entries[index].next = next
        if previous == Queue.end { queues[queue].first = index } else { entries[previous].next = index }
        if next == Queue.end { queues[queue].last = index } else { entries[next].previous = index }
    }
}
