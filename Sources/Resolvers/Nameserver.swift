// A nameserver, queried through c-ares, which encodes queries, decodes responses and rejects forged ones.
//
// Each nameserver has its own c-ares channel (`NameserverChannel`), configured for a single try, because `Resolution`
// decides about retries. If a response does not fit into a datagram, the query is repeated over TCP through a second
// channel: when a TCP connection fails, c-ares fails all other queries of the same channel.

internal import Basics
internal import CAres
internal import Glibc
internal import Reactor

/// A query for a name's records of one kind, sent to one nameserver.
final class DNSQuery {
    let lookup: DNSLookup
    /// The round of the lookup to which the query belongs.
    let round: Int
    let kind: RecordKind
    unowned let nameserver: Nameserver
    /// Whether the query has been repeated over TCP because the response did not fit into a datagram.
    fileprivate(set) var isRepeated = false

    init(_ lookup: DNSLookup, round: Int, _ kind: RecordKind, _ nameserver: Nameserver) {
        self.lookup = lookup
        self.round = round
        self.kind = kind
        self.nameserver = nameserver
    }
}

/// A nameserver and the replies to its queries that have not been fetched yet.
final class Nameserver {
    let plan: NameserverPlan
    private(set) var counts = NameserverCounts()
    private let datagrams: NameserverChannel?
    private let stream: NameserverChannel
    private var replies: [(query: DNSQuery, reply: NameserverReply)] = []

    /// The size of c-ares' receive buffer for datagrams.
    static let payloadBytesMax = 4_096

    /// Returns nil when out of memory.
    /// - Parameter answered: called when replies may have arrived.
    init?(
        _ plan: NameserverPlan, timeout: TimeSpan, payloadBytes: Int, in loop: TaskLoop, answered: @escaping () -> Void
    ) {
        guard
            let stream = NameserverChannel(
                to: plan, overTCP: true, timeout: timeout, payloadBytes: payloadBytes, in: loop, answered: answered)
        else { return nil }
        self.plan = plan
        self.stream = stream
        if plan.isStream {
            datagrams = nil
            return
        }
        datagrams = NameserverChannel(
            to: plan, overTCP: false, timeout: timeout, payloadBytes: payloadBytes, in: loop, answered: answered)
        if datagrams == nil {
            stream.close()
            return nil
        }
    }

    /// Closes the channels. Pending queries fail at once.
    func close() {
        datagrams?.close()
        stream.close()
    }

    // MARK: Asking

    /// Sends a query. `takeReplies` returns its reply, possibly at once.
    func ask(_ name: String, for query: DNSQuery) {
        counts.sent += 1
        (datagrams ?? stream).ask(name, for: query)
    }

    /// Returns and removes the replies received so far.
    func takeReplies() -> [(query: DNSQuery, reply: NameserverReply)] {
        defer { replies.removeAll() }
        return replies
    }

    /// Processes the outcome of a query. The channel calls it once for each query.
    fileprivate func complete(
        _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int32, for query: DNSQuery
    ) {
        // A truncated response may lack all of its records.
        if status == cares_success || status == cares_no_data, datagrams != nil, !query.isRepeated,
            unsafe Self.isCut(bytes, count)
        {
            query.isRepeated = true
            return stream.ask(query.lookup.name, for: query)
        }
        let reply: NameserverReply =
            switch status {
            case cares_success: unsafe Self.read(bytes, count, query.kind)
            case cares_no_data: .noAddress
            case cares_not_found: .noSuchName
            case cares_refused: .refused
            case cares_timeout: .timedOut
            default: .failed
            }
        counts.add(reply)
        replies.append((query, reply))
    }

    /// Whether a datagram is truncated: by the nameserver (TC, RFC 1035 section 4.1.1) or by the receive buffer.
    private static func isCut(_ bytes: UnsafePointer<UInt8>?, _ count: Int32) -> Bool {
        guard let bytes = unsafe bytes, count > 2 else { return false }
        return unsafe bytes[2] & 2 != 0 || Int(count) >= Self.payloadBytesMax
    }
}

/// A c-ares channel whose sockets and time-outs are handled by the task loop. c-ares opens a socket for a query and
/// closes it when all queries are answered, so that each burst of queries uses another source port.
@safe
private final class NameserverChannel: LoopTask {
    private let loop: TaskLoop
    private var channel: ares_channel?
    private var handle = SlotHandle(index: 0, generation: 0)
    private var sockets: [Int32: SocketTask] = [:]
    private let answered: () -> Void

    init?(
        to plan: NameserverPlan, overTCP: Bool, timeout: TimeSpan, payloadBytes: Int, in loop: TaskLoop,
        answered: @escaping () -> Void
    ) {
        self.loop = loop
        self.answered = answered
        guard Self.libraryIsReady, open(plan, overTCP, timeout, payloadBytes) else { return nil }
        handle = loop.add(self)
    }

    private static let libraryIsReady = ares_library_init(ARES_LIB_INIT_ALL) == cares_success

    private func open(_ plan: NameserverPlan, _ overTCP: Bool, _ timeout: TimeSpan, _ payloadBytes: Int) -> Bool {
        var options = unsafe ares_options()
        unsafe options.flags =
            ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS
            | (overTCP ? ARES_FLAG_USEVC : ARES_FLAG_IGNTC)
        unsafe options.timeout = Int32(clamping: max(1, timeout.wholeMilliseconds))
        unsafe options.tries = 1
        unsafe options.ednspsz = Int32(min(payloadBytes, Nameserver.payloadBytesMax))
        unsafe options.sock_state_cb = { owner, socket, reads, writes in
            guard let owner = unsafe owner else { return }
            let channel = unsafe Unmanaged<NameserverChannel>.fromOpaque(owner).takeUnretainedValue()
            channel.watch(socket, reads: reads != 0, writes: writes != 0)
        }
        // Unretained: `close` destroys the channel before this object is released.
        unsafe options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
        let mask =
            ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB
            | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF
        // Ignore the system's resolver configuration: the section is complete.
        return unsafe "b".withCString { lookups in
            unsafe "/dev/null".withCString { file in
                unsafe options.lookups = UnsafeMutablePointer(mutating: lookups)
                unsafe options.resolvconf_path = UnsafeMutablePointer(mutating: file)
                guard unsafe ares_init_options(&channel, &options, mask) == cares_success else { return false }
                return unsafe ares_set_servers_ports_csv(channel, plan.address.description) == cares_success
            }
        }
    }

    func close() {
        guard let open = unsafe channel else { return }
        unsafe ares_destroy(open)
        unsafe channel = nil
        loop.remove(handle)
    }

    deinit { precondition(unsafe channel == nil, "a channel to a nameserver was not closed") }

    // MARK: Asking

    func ask(_ name: String, for query: DNSQuery) {
        guard let open = unsafe channel else {
            return unsafe query.nameserver.complete(cares_cancelled, nil, 0, for: query)
        }
        // Balanced by takeRetainedValue in the callback, which c-ares calls exactly once for each query.
        let argument = unsafe Unmanaged.passRetained(query).toOpaque()
        unsafe ares_query(
            open, name, Int32(Self.internetClass), Self.type(of: query.kind),
            { argument, status, _, bytes, count in
                guard let argument = unsafe argument else { return }
                let query = unsafe Unmanaged<DNSQuery>.fromOpaque(argument).takeRetainedValue()
                unsafe query.nameserver.complete(status, bytes, count, for: query)
            }, argument)
        setDeadline()
    }

    private static let internetClass: Int32 = 1

    /// RFC 1035 section 3.2, RFC 3596 section 2.1, RFC 2782.
    private static func type(of kind: RecordKind) -> Int32 {
        switch kind {
        case .v4: 1
        case .v6: 28
        case .services: 33
        }
    }

    // MARK: The loop

    func ready(_ readiness: Readiness, in loop: TaskLoop) {}

    func expired(in loop: TaskLoop) { process(reads: nil, writes: nil) }

    fileprivate func process(reads: Int32?, writes: Int32?) {
        guard let open = unsafe channel else { return }
        unsafe ares_process_fd(open, reads ?? ARES_SOCKET_BAD, writes ?? ARES_SOCKET_BAD)
        setDeadline()
        answered()
    }

    /// Sets the loop's deadline to c-ares' next time-out.
    private func setDeadline() {
        guard let open = unsafe channel else { return }
        var span = timeval()
        let isWaiting = unsafe ares_timeout(open, nil, &span) != nil
        let wait = TimeSpan(
            nanoseconds: UInt64(max(0, span.tv_sec)) * 1_000_000_000 + UInt64(max(0, span.tv_usec)) * 1_000)
        loop.setDeadline(isWaiting ? loop.now + max(wait, .milliseconds(1)) : .never, of: handle)
    }

    /// c-ares' socket state callback: the readiness it waits for; none when it is about to close the socket.
    private func watch(_ socket: Int32, reads: Bool, writes: Bool) {
        let before = sockets[socket]
        if let before, before.reads == reads, before.writes == writes { return }
        before?.leave(loop)
        sockets[socket] = nil
        guard reads || writes else { return }
        // If the socket cannot be watched, the query times out.
        sockets[socket] = SocketTask(socket, of: self, reads: reads, writes: writes, in: loop)
    }
}

/// A socket of a channel, as a task of the loop.
private final class SocketTask: LoopTask {
    private let socket: Socket
    private unowned let owner: NameserverChannel
    let reads: Bool
    let writes: Bool
    private var handle = SlotHandle(index: 0, generation: 0)

    init?(_ number: Int32, of owner: NameserverChannel, reads: Bool, writes: Bool, in loop: TaskLoop) {
        socket = Socket(number)
        self.owner = owner
        self.reads = reads
        self.writes = writes
        handle = loop.add(self)
        guard loop.watch(socket, for: writes ? .readingAndWriting : .reading, as: handle) == nil else {
            loop.remove(handle)
            return nil
        }
    }

    func leave(_ loop: TaskLoop) {
        loop.kernel.unwatch(socket)
        loop.remove(handle)
    }

    func ready(_ readiness: Readiness, in loop: TaskLoop) {
        let isBroken = readiness.contains(.broken)
        owner.process(
            reads: reads && (isBroken || readiness.contains(.readable)) ? socket.number : nil,
            writes: writes && (isBroken || readiness.contains(.writable)) ? socket.number : nil)
    }

    func expired(in loop: TaskLoop) {}
}

/// Counters of a nameserver's queries and replies, for `show resolvers`.
public struct NameserverCounts: Sendable, Equatable {
    public internal(set) var sent: UInt64 = 0
    public internal(set) var valid: UInt64 = 0
    public internal(set) var noSuchName: UInt64 = 0
    public internal(set) var noAddress: UInt64 = 0
    public internal(set) var refused: UInt64 = 0
    public internal(set) var timeout: UInt64 = 0
    public internal(set) var other: UInt64 = 0

    mutating func add(_ reply: NameserverReply) {
        switch reply {
        case .addresses, .services: valid += 1
        case .noSuchName: noSuchName += 1
        case .noAddress: noAddress += 1
        case .refused: refused += 1
        case .timedOut: timeout += 1
        case .failed: other += 1
        }
    }
}
