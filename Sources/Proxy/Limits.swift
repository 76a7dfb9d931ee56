// The limits of the data path: each with its unit and its reason.

internal import Basics

enum Limits {
    /// The values of a PROXY protocol header of version 2, in bytes: 65,535 are possible, with addresses and checksum.
    static let headerValuesBytes = 60_000
    /// A longer PROXY protocol header is sent before the request is written, which may need the whole of a buffer.
    static let headerBytesBesideRequest = 256
    /// Connections accepted in a row before others get their turn: enough to empty a burst, short enough to be fair.
    static let acceptsPerTurn = 64
    /// Buffers moved for one exchange before others get their turn (16 × 16 KiB = 256 KiB).
    static let movesPerTurn = 16
    /// Bytes of a file that one exchange sends before others get their turn.
    static let fileBytesPerTurn = 1 << 20
    /// The beginning of a file is sent with small system calls, so that the client reads while the next part is on its way: a file of
    /// 100 KiB takes a third less processor time than with one call, one of 256 KiB a quarter less. What follows is sent with
    /// calls that are as long as a turn: one of 10 MiB takes a sixth less than with small ones.
    static let fileBytesPerFirstCall = 64 << 10
    static let fileBytesOfFirstCalls = 256 << 10
    /// Of all descriptors that the process may have, one in so many for files that are kept open.
    static let descriptorsPerKeptFile = 8
    /// Room in a buffer for the head of a response, where the content of a kept file is to follow it.
    static let keptFileHeadBytes = 1_024
    /// Idle server connections that one client's connection keeps for itself (HAProxy's default of `max-session-srv-conns`).
    static let ownServerConnections = 5
    /// Room of a buffer that rules leave alone: for the framing, the connection's fields and those that options add.
    static let headBytesReserved = 256
    /// The wait before trying the same server again (HAProxy's turn-around time).
    static let retryPause = TimeSpan.seconds(1)
    /// A closing connection is listened to for this long, so that the client reads our last answer before a reset reaches it (RFC 9112 section 9.6).
    static let linger = TimeSpan.seconds(2)
    /// During a soft stop, a client has this long after its last answer to send one more request: longer than busy clients pause,
    /// short against the time that a stop may take.
    static let lastRequestWait = TimeSpan.seconds(1)
    /// A client that sends no more may have gone. What its request waits for then, a connection under way or the server's decision,
    /// has this long: more than a server needs that answers such clients, less than one that is stuck.
    static let halfClosedWait = TimeSpan.seconds(1)
    /// What a closing client may still send meanwhile.
    static let lingerBytes = 1 << 20
    /// Content that is not passed on, since a rule has made the response one without: so much of it is read, so that another request may
    /// follow on the server's connection.
    static let discardedBytes = 256 << 10
    /// What a name's look-up may take longer than it should, before an exchange goes on without.
    static let resolutionSlack = TimeSpan.seconds(1)
    /// Where encrypted connections are at their limit, a listener looks again after this time: short against a client's patience, long
    /// against a spin.
    static let tlsPause = TimeSpan.milliseconds(50)
    /// Exchange objects, and tunnel objects, kept for reuse by one worker.
    static let spareExchanges = 1_024
    static let spareTunnels = 256
    /// Objects for streams of HTTP/2 kept for reuse by one worker, towards clients and towards servers each.
    static let spareStreams = 1_024
    /// Frames of one connection that are read before others get their turn.
    static let framesPerTurn = 256
    /// Room in a connection's buffer below which it is sent before another frame is begun: shorter frames cost more than they carry.
    static let frameRoomMin = 1_024
    /// Pipes in use by one worker, of two descriptors each: enough for the long bodies of a moment, few against the limit of descriptors.
    static let pipes = 256
}
