// Who waits for a place on a server, in the order in which they are served: one line for any server of the backend, and one
// for each server. A plain value; the lock around it is in `RequestQueue`.

public import Basics

/// Somebody in a line, by place and number: a number is never given twice, a place is.
public struct QueueTicket: Equatable, Sendable {
    fileprivate let place: Int
    fileprivate let number: UInt64
}

/// Before whom somebody waits: those of a lower class go first, and in a class those of an earlier time.
public struct QueuePriority: Sendable {
    /// The class.
    let level: Int
    /// The time of coming, and what is added to it.
    let time: Instant
    let offset: Int

    /// - Parameter offset: in milliseconds.
    public init(class level: Int = 0, offset: Int = 0, now: Instant = Instant(nanoseconds: 0)) {
        self.level = level
        self.offset = offset
        time = now
    }
}

/// Who it is that waits.
struct Waiter: Equatable {
    /// The worker it belongs to, and the name it has there.
    let worker: Int
    let owner: UInt64
    /// The server that has just failed it, by its place in the backend.
    var avoiding: Int?
    /// Until when it is avoided: then it may be tried again.
    var avoidsUntil = Instant(nanoseconds: 0)
}

/// The lines of one backend.
struct PriorityQueues {
    /// Place 0 is the line for any server, place n + 1 the one for server n.
    private var lines: [Line]
    private var places: [Place] = []
    private var freePlaces: [Int] = []
    private var nextNumber: UInt64 = 1
    /// The latest time at which somebody has come, in milliseconds: workers' clocks differ by a moment, and who comes
    /// later is not to come first for that.
    private var latest = 0

    private struct Line {
        var first = Self.nobody
        var last = Self.nobody
        /// How many have got what they waited for here.
        var served: UInt64 = 0

        static let nobody = -1
    }

    private struct Place {
        /// 0 while nobody has the place.
        var number: UInt64
        var waiter: Waiter
        var level: Int
        /// When it came, in milliseconds, with what its priority adds.
        var due: Int
        var line: Int
        /// `served` of its line when it came.
        var servedBefore: UInt64
        var previous: Int
        var next: Int
    }

    init(servers: Int) { lines = Array(repeating: Line(), count: servers + 1) }

    private static func line(_ server: Int?) -> Int { server.map { $0 + 1 } ?? 0 }

    /// - Parameter server: nil for any.
    mutating func join(
        _ waiter: Waiter, _ priority: QueuePriority = QueuePriority(), for server: Int?
    ) -> QueueTicket {
        let number = nextNumber
        nextNumber += 1
        let place = freePlaces.popLast() ?? places.count
        let line = Self.line(server)
        latest = max(latest, Int(priority.time.nanoseconds / 1_000_000))
        let entry = Place(
            number: number, waiter: waiter, level: priority.level, due: latest + priority.offset, line: line,
            servedBefore: 0, previous: Line.nobody, next: Line.nobody)
        if place == places.count { places.append(entry) } else { places[place] = entry }
        insert(place, into: line, before: successor(of: place, in: line))
        return QueueTicket(place: place, number: number)
    }

    /// Before whom somebody new stands in a line. Looked for from both ends: most come last, and those whom rules
    /// prefer come first or nearly so.
    private func successor(of place: Int, in line: Int) -> Int {
        var front = lines[line].first
        var back = lines[line].last
        while front != Line.nobody && back != Line.nobody {
            if precedes(back, place) { return places[back].next }
            if precedes(place, front) { return front }
            back = places[back].previous
            front = places[front].next
        }
        return lines[line].first
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (places[a].level, places[a].due, places[a].number) < (places[b].level, places[b].due, places[b].number)
    }

    /// Whether `a` is served before `b`; both wait.
    func precedes(_ a: QueueTicket, _ b: QueueTicket) -> Bool { precedes(a.place, b.place) }

    /// The one whose turn it is in a line.
    func first(for server: Int?) -> QueueTicket? {
        let place = lines[Self.line(server)].first
        return place == Line.nobody ? nil : QueueTicket(place: place, number: places[place].number)
    }

    /// The first in a line who suits, among the first `most`.
    func first(for server: Int?, among most: Int, where suits: (Waiter) -> Bool) -> QueueTicket? {
        var place = lines[Self.line(server)].first
        var looked = 0
        while place != Line.nobody, looked < most {
            if suits(places[place].waiter) { return QueueTicket(place: place, number: places[place].number) }
            place = places[place].next
            looked += 1
        }
        return nil
    }

    /// What is known of somebody who waits; nil if nobody does with this ticket.
    func look(_ ticket: QueueTicket) -> (waiter: Waiter, server: Int?)? {
        guard places[ticket.place].number == ticket.number else { return nil }
        let line = places[ticket.place].line
        return (places[ticket.place].waiter, line == 0 ? nil : line - 1)
    }

    /// Takes somebody out. Returns as HAProxy counts it how many were served in that line before, and one for itself; nil if
    /// nobody waits with this ticket.
    /// - Parameter isServed: it has got what it waited for.
    mutating func remove(_ ticket: QueueTicket, isServed: Bool) -> Int? {
        let place = ticket.place
        guard places[place].number == ticket.number else { return nil }
        let entry = places[place]
        if entry.previous == Line.nobody {
            lines[entry.line].first = entry.next
        } else {
            places[entry.previous].next = entry.next
        }
        if entry.next == Line.nobody {
            lines[entry.line].last = entry.previous
        } else {
            places[entry.next].previous = entry.previous
        }
        places[place].number = 0
        freePlaces.append(place)
        let position = Int(lines[entry.line].served - entry.servedBefore) + 1
        if isServed { lines[entry.line].served += 1 }
        return position
    }

    /// Lets everybody who waits for a server wait for any, as if they always had. Returns how many.
    mutating func release(from server: Int) -> Int {
        let own = Self.line(server)
        var count = 0
        var at = lines[0].first
        while lines[own].first != Line.nobody {
            let place = lines[own].first
            lines[own].first = places[place].next
            while at != Line.nobody && precedes(at, place) { at = places[at].next }
            insert(place, into: 0, before: at)
            count += 1
        }
        lines[own].last = Line.nobody
        return count
    }

    private mutating func insert(_ place: Int, into line: Int, before next: Int) {
        let previous = next == Line.nobody ? lines[line].last : places[next].previous
        places[place].line = line
        places[place].servedBefore = lines[line].served
        places[place].previous = previous
        places[place].next = next
        if previous == Line.nobody { lines[line].first = place } else { places[previous].next = place }
        if next == Line.nobody { lines[line].last = place } else { places[next].previous = place }
    }
}
