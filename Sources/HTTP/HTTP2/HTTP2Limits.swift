// What one side of HTTP/2 allows its peers: what our SETTINGS announce (RFC 9113 section 6.5.2), and what a peer may do before it counts
// as faulty. The defaults are those of a configuration that says nothing.

/// The limits of connections with clients, or of those with servers.
public struct HTTP2Limits: Sendable, Equatable {
    /// Bytes of the table that the peer may compress its heads with (SETTINGS_HEADER_TABLE_SIZE): 4,096 to 65,536.
    public var headerTableSize = 4_096
    /// Bytes of content that a peer may send on a new stream before it waits (SETTINGS_INITIAL_WINDOW_SIZE), and that a stream is
    /// always granted: 2^31 - 1 at most.
    public var initialWindow = 65_536
    /// Streams that a connection carries at a time (SETTINGS_MAX_CONCURRENT_STREAMS). `unlimitedStreams` for any number.
    public var maxConcurrentStreams = 100
    /// Bytes of the longest frame that a peer may send (SETTINGS_MAX_FRAME_SIZE): 16,384 to 16,777,215.
    public var maxFrameSize = HTTP2Limits.smallestMaxFrameSize
    /// Bytes that all streams of a connection may hold together of what was received and not passed on. Windows of streams grow
    /// beyond `initialWindow` as long as there is room.
    public var receiveBytesMax = 1_600 << 10
    /// Glitches after which a connection is closed; at three quarters of them it is told to end (GOAWAY). 0: any number.
    public var glitchesMax = 0
    /// Streams in all after which a client's connection is told to end (GOAWAY). Those that are on their way are served: with
    /// `maxConcurrentStreams` more than this the connection is closed. 0: any number.
    public var totalStreamsMax = 0
    /// RST_STREAM frames of one connection that are handled in a row before other connections get their turn. 0: any number.
    public var resetsAtOnceMax = 0
    /// Frames of any kind that are handled in a row before other connections get their turn, so that one with many short frames
    /// costs others no more than one with few long ones. 0: any number.
    public var framesAtOnceMax = 0

    public init() {}

    /// What `headerTableSize` may be: its initial value at least (RFC 7541 section 4.2), and a bound on what each connection costs.
    public static let headerTableSizes = 4_096...65_536
    /// The least that SETTINGS_MAX_FRAME_SIZE may be, and its initial value.
    public static let smallestMaxFrameSize = 16_384
    /// The most that it may be.
    public static let greatestMaxFrameSize = 16_777_215
    /// The greatest window (RFC 9113 section 6.9.1).
    public static let greatestWindow = 2_147_483_647
    /// What `maxConcurrentStreams` is where nothing limits it.
    public static let unlimitedStreams = 2_147_483_647
}
