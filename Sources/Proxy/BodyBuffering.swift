// `option http-buffer-request`, `request-buffer` and `response-buffer`: what of a body waits in Portico, so that a
// server does not have to wait for a client.

/// How much of one body is held, and where.
struct BodyBuffering: Sendable, Equatable {
    /// Bytes in memory; whole buffers of `tune.bufsize` are used.
    var memoryBytesMax: Int
    /// Where the rest goes; nil if there is to be no rest.
    var spill: Spill?

    struct Spill: Sendable, Equatable {
        var directory: String
        /// Bytes in memory and in the file together.
        var bytesMax: Int
    }

    var bytesMax: Int { spill?.bytesMax ?? memoryBytesMax }
}
