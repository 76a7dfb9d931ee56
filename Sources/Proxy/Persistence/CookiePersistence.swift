// Persistence by cookies: what a request's cookie says of its server (manual of HAProxy, `cookie`), and what becomes of it on its way
// there. What the response tells the client is in ResponseCookie.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor

/// The `cookie` line of a backend, with the values that name its servers.
final class CookiePersistence: Sendable {
    let cookie: PersistenceCookie
    let attributes: [UInt8]
    /// By index; nil for a server that no cookie names.
    private let values: [[UInt8]?]
    /// The values in the order of their bytes, each with its server's index: looked up without making a key of the request's bytes.
    private let sorted: [(value: [UInt8], server: Int)]
    private let servers: ServerTable

    init(_ cookie: PersistenceCookie, values: [[UInt8]?], _ servers: [Server]) {
        self.cookie = cookie
        self.values = values
        self.servers = ServerTable(servers)
        attributes = cookie.attributes
        sorted = values.enumerated().compactMap { index, value in value.map { (value: $0, server: index) } }
            .sorted { $0.value == $1.value ? $0.server < $1.server : $0.value.lexicographicallyPrecedes($1.value) }
    }

    /// The server that the text names: of several, the first that is up, or else the first. Nil if it names none.
    private func server(named text: RawSpan, isUp: (Int) -> Bool) -> Int? {
        var first: Int?
        var place = position(of: text)
        while place < sorted.count, Self.equals(sorted[place].value, text) {
            if isUp(sorted[place].server) { return sorted[place].server }
            first = first ?? sorted[place].server
            place += 1
        }
        guard first == nil, cookie.isDynamic, let number = CookieNumber.read(text) else { return first }
        for (place, server) in servers.enumerated() where server.addressCookie == number {
            if isUp(place) { return place }
            first = first ?? place
        }
        return first
    }

    /// The place of the first value that does not precede the text.
    private func position(of text: RawSpan) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(sorted[middle].value, text) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func equals(_ value: [UInt8], _ text: RawSpan) -> Bool {
        guard value.count == text.byteCount else { return false }
        for i in 0..<text.byteCount where value[i] != text[i] { return false }
        return true
    }

    private static func precedes(_ value: [UInt8], _ text: RawSpan) -> Bool {
        for i in 0..<min(value.count, text.byteCount) where value[i] != text[i] { return value[i] < text[i] }
        return value.count < text.byteCount
    }

    /// Whether something names the server.
    func names(_ server: Server) -> Bool { value(of: server) != nil || addressCookie(of: server) != nil }

    private func value(of server: Server) -> [UInt8]? { servers.place(of: server).flatMap { values[$0] } }

    /// Appends what names the server, if something does.
    func appendName(of server: Server, to out: inout [UInt8]) {
        if let value = value(of: server) {
            out += value
        } else if let number = addressCookie(of: server) {
            CookieNumber.append(number, to: &out)
        }
    }

    private func addressCookie(of server: Server) -> UInt64? { cookie.isDynamic ? server.addressCookie : nil }

    /// The delimiter between a server's value and what follows: the application's value, or dates.
    private var delimiter: UInt8 { cookie.mode == .prefix ? 0x7E : 0x7C }

    // MARK: Requests

    /// What the request's cookies say, and which letter the log has for that; cookies that are not the server's leave the request.
    ///
    /// - Parameter choice: whether servers that are down count, or none does.
    func read(
        _ fields: inout HeaderFields, at now: WallTime, _ choice: PersistenceChoice, _ scratch: inout [UInt8],
        isUp: (Int) -> Bool
    ) -> (CookieState, Termination.ClientCookie) {
        var state = CookieState(choice)
        var letter = Termination.ClientCookie.notGiven
        var line = fields.first(.cookie)
        while let index = line {
            let offsetsChange = readLine(fields.value(index), at: now, &state, &letter, &scratch, isUp)
            if offsetsChange { rewriteLine(index, &fields, &scratch) }
            line = fields.next(.cookie, from: offsetsChange && scratch.isEmpty ? index : index + 1)
        }
        return (state, letter)
    }

    /// Reads one field; true if its value is to change, and then `scratch` has the new one.
    private func readLine(
        _ text: RawSpan, at now: WallTime, _ state: inout CookieState, _ letter: inout Termination.ClientCookie,
        _ scratch: inout [UInt8], _ isUp: (Int) -> Bool
    ) -> Bool {
        var changes = false
        var copied = 0
        scratch.removeAll(keepingCapacity: true)
        var offset = 0
        while let pair = text.cookiePair(from: offset, hasMany: true) {
            offset = pair.next
            guard cookie.isNamed(text.extracting(pair.name)) else { continue }
            state.wasGiven = true
            let end = Self.firstIndex(of: delimiter, in: pair.value, of: text)
            judge(
                text, pair.value.lowerBound..<(end ?? pair.value.upperBound), pair.value, at: now, &state, &letter,
                isUp)
            if cookie.mode == .insert, cookie.isIndirect {
                // The pair goes, with the delimiter before it or behind it.
                scratch.append(text.extracting(copied..<pair.whole.lowerBound))
                copied = min(pair.next, text.byteCount)
                changes = true
            } else if cookie.mode == .prefix, let end {
                scratch.append(text.extracting(copied..<pair.value.lowerBound))
                copied = end + 1
                changes = true
            }
        }
        if changes { scratch.append(text.extracting(copied..<text.byteCount)) }
        return changes
    }

    private static func firstIndex(of byte: UInt8, in range: Range<Int>, of text: RawSpan) -> Int? {
        range.first { text[$0] == byte }
    }

    /// The first cookie that names a server which may be used counts.
    private func judge(
        _ text: RawSpan, _ name: Range<Int>, _ value: Range<Int>, at now: WallTime, _ state: inout CookieState,
        _ letter: inout Termination.ClientCookie, _ isUp: (Int) -> Bool
    ) {
        guard state.server == nil else { return }
        if cookie.mode != .prefix, let fault = readDates(text, name.upperBound..<value.upperBound, now, &state) {
            letter = fault
            return
        }
        guard state.choice != .ignored else {
            letter = .unused
            return
        }
        guard let index = server(named: text.extracting(name), isUp: isUp) else {
            letter = .invalid
            return
        }
        letter = isUp(index) ? .valid : .serverDown
        if letter == .valid || state.choice == .forced { state.server = index }
    }

    /// Reads what follows the server's value: `|` and when the client was last seen, `|` and when it first came.
    private func readDates(
        _ text: RawSpan, _ range: Range<Int>, _ now: WallTime, _ state: inout CookieState
    ) -> Termination.ClientCookie? {
        guard !range.isEmpty else { return nil }
        let last = range.lowerBound + 1
        state.lastSeen = CookieDate.read(text.extracting(last..<range.upperBound))
        if let bar = Self.firstIndex(of: 0x7C, in: last..<range.upperBound, of: text) {
            state.firstSeen = CookieDate.read(text.extracting(bar + 1..<range.upperBound))
        }
        if let most = cookie.idleMax, let seen = state.lastSeen, Self.isOver(seen, most, now) {
            state.lastSeen = nil
            return .expired
        }
        if let most = cookie.lifeMax, let seen = state.firstSeen, Self.isOver(seen, most, now) {
            state.firstSeen = nil
            return .tooOld
        }
        return nil
    }

    /// Whether the time is over, or the date is from a future that no wrong clock explains.
    private static func isOver(_ seen: Int, _ most: Int, _ now: WallTime) -> Bool {
        now.seconds - seen > most || seen - now.seconds > secondsAhead
    }

    /// A day.
    private static let secondsAhead = 86_400

    private func rewriteLine(_ index: Int, _ fields: inout HeaderFields, _ scratch: inout [UInt8]) {
        // What was before a pair that went may end with its delimiter.
        while let last = scratch.last, last == 0x3B || last == 0x20 || last == 0x09 { scratch.removeLast() }
        if let first = scratch.firstIndex(where: { $0 != 0x20 && $0 != 0x09 }), first > 0 { scratch.removeFirst(first) }
        if scratch.isEmpty {
            fields.remove(at: index)
        } else {
            unsafe fields.replaceValue(index, with: scratch.span.bytes)
        }
    }
}

extension Exchange {
    /// Looks which server the request's cookie names, before any other rule chooses one.
    func readPersistenceCookie(_ persistence: CookiePersistence, of backend: BackendPlan, _ worker: Worker) {
        let servers = backend.servers
        var choice = context.directives.persistence
        if choice == .usual, backend.insistsOnServers { choice = .forced }
        let (state, letter) = persistence.read(
            &context.request.fields, at: worker.kernel.wallTime(), choice, &worker.scratch
        ) { servers[$0].state.isUsable }
        request.cookie = state
        guard persistence.cookie.mode != .passive else { return }
        context.outcome.termination.clientCookie = letter
        context.outcome.termination.serverCookie = .notSet
    }
}
