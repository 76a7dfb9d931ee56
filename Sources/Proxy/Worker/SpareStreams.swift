// Streams that have ended, for reuse by the next: a warm worker allocates nothing for a request.

/// The spare streams of one kind. They keep their slots in the worker's table.
struct SpareStreams<Stream: ProxyStream> {
    private var streams: [Stream] = []
    /// The fewest there were since memory was last given back.
    private var fewest = 0
    /// How many are kept.
    let most: Int

    init(keeping most: Int) { self.most = most }

    var count: Int { streams.count }

    mutating func take() -> Stream? {
        guard let stream = streams.popLast() else { return nil }
        if streams.count < fewest { fewest = streams.count }
        return stream
    }

    /// False if there are enough.
    mutating func keep(_ stream: Stream) -> Bool {
        guard streams.count < most else { return false }
        streams.append(stream)
        return true
    }

    /// Takes out those that were not needed since the last call; or all of them.
    mutating func takeUnused(all: Bool = false) -> ArraySlice<Stream> {
        let unused = streams.suffix(all ? streams.count : fewest)
        streams.removeLast(unused.count)
        fewest = streams.count
        return unused
    }
}
