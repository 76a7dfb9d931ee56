// The servers of a backend as one plan knows them: in the order of its file, which is that of what the plan has for each of them
// (values of cookies, names to ask for, lines of rules).
//
// A server lives on from one plan to the next and may stand elsewhere in each, so only the plan says where it stands.

internal import Balancing

/// One plan's servers of one backend, by place, and their places by number.
struct ServerTable: Sendable {
    private let servers: [Server]
    /// By place.
    private let numbers: [Int]
    /// Places by number, where numbers do not follow one another: those of servers that were made together do.
    private let places: [Int: Int]

    init(_ servers: [Server]) {
        self.servers = servers
        let numbers = servers.map(\.number)
        let first = numbers.first ?? 0
        let areInOrder = numbers.enumerated().allSatisfy { $1 == first + $0 }
        let pairs = numbers.enumerated().map { ($1, $0) }
        places = areInOrder ? [:] : Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        self.numbers = numbers
    }

    subscript(place: Int) -> Server { servers[place] }

    /// Where the server stands; nil if the plan does not know it.
    func place(of server: Server) -> Int? { place(of: server.number) }

    /// Where the server of this number stands; nil if the plan does not know it.
    func place(of number: Int) -> Int? {
        guard let first = numbers.first else { return nil }
        let place = number - first
        if numbers.indices.contains(place), numbers[place] == number { return place }
        return places[number]
    }
}

extension ServerTable: RandomAccessCollection {
    var startIndex: Int { servers.startIndex }
    var endIndex: Int { servers.endIndex }
}
