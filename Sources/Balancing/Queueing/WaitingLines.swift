// Who waits for a place on a server, in the order in which they came: one line for any server of the backend, and one
// for each server. A plain value; the lock around it is in `RequestQueue`.

/// Somebody in a line, by place and number: a number is never given twice, a place is.
public struct QueueTicket: Equatable, Sendable {
    fileprivate let place: Int
    fileprivate let number: UInt64
}

/// Who it is that waits.
struct Waiter: Equatable {
    /// The worker it belongs to, and the name it has there.
    let worker: Int
    let owner: UInt64
}

/// The lines of one backend.
struct WaitingLines {
    /// Place 0 is the line for any server, place n + 1 the one for server n.
    private var lines: [Line]
    private var places: [Place] = []
    private var freePlaces: [Int] = []
    private var nextNumber: UInt64 = 1

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
        var line: Int
        /// `served` of its line when it came.
        var servedBefore: UInt64
        var previous: Int
        var next: Int
    }

    init(servers: Int) { lines = Array(repeating: Line(), count: servers + 1) }

    private static func line(_ server: Int?) -> Int { server.map { $0 + 1 } ?? 0 }

    /// - Parameter server: nil for any.
    mutating func join(_ waiter: Waiter, for server: Int?) -> QueueTicket {
        let number = nextNumber
        nextNumber += 1
        let place = freePlaces.popLast() ?? places.count
        let line = Self.line(server)
        let entry = Place(
            number: number, waiter: waiter, line: line, servedBefore: lines[line].served, previous: lines[line].last,
            next: Line.nobody)
        if place == places.count { places.append(entry) } else { places[place] = entry }
        if entry.previous == Line.nobody { lines[line].first = place } else { places[entry.previous].next = place }
        lines[line].last = place
        return QueueTicket(place: place, number: number)
    }

    /// The one who has waited longest in a line.
    func first(for server: Int?) -> QueueTicket? {
        let place = lines[Self.line(server)].first
        return place == Line.nobody ? nil : QueueTicket(place: place, number: places[place].number)
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

    /// Whether `a` came before `b`.
    static func isOlder(_ a: QueueTicket, than b: QueueTicket) -> Bool { a.number < b.number }

    /// Lets everybody who waits for a server wait for any, as if they always had. Returns how many.
    mutating func release(from server: Int) -> Int {
        let own = Self.line(server)
        var count = 0
        var at = lines[0].first
        while lines[own].first != Line.nobody {
            let place = lines[own].first
            lines[own].first = places[place].next
            while at != Line.nobody && places[at].number < places[place].number { at = places[at].next }
            insert(place, before: at)
            count += 1
        }
        lines[own].last = Line.nobody
        return count
    }

    private mutating func insert(_ place: Int, before next: Int) {
        let previous = next == Line.nobody ? lines[0].last : places[next].previous
        places[place].line = 0
        places[place].servedBefore = lines[0].served
        places[place].previous = previous
        places[place].next = next
        if previous == Line.nobody { lines[0].first = place } else { places[previous].next = place }
        if next == Line.nobody { lines[0].last = place } else { places[next].previous = place }
    }
}
