// How much a server takes at a time: `maxconn`, `minconn`, `maxqueue`.

internal import Basics

/// The limits of a `server` line.
public struct ServerLimits: Sendable, Equatable {
    /// `maxconn`: requests at a time, or connections in `mode tcp`; nil for any number.
    public var maxConnections: Int?
    /// `minconn`: as many even while the backend has little to do.
    public var minConnections: Int?
    /// `maxqueue`: how many may wait for this server alone; nil for any number.
    public var queueMax: Int?

    public init() {}

    /// As HAProxy reads the words: `minconn` alone, or above `maxconn`, is the limit.
    var normal: ServerLimits {
        var limits = self
        if let minConnections { limits.maxConnections = max(maxConnections ?? 0, minConnections) }
        return limits
    }
}

extension ServerLimits {
    /// How many requests a server may have now: on the ramp from `minconn` to `maxconn`, as steep as its backend is full.
    /// - Parameters:
    ///   - load: requests in the backend, those that wait included.
    ///   - full: the load at which servers reach their `maxconn` (`fullconn`).
    func limit(load: Int, full: Int) -> Int {
        guard let most = maxConnections else { return .max }
        guard let least = minConnections, least < most, load < full else { return most }
        return max(least, load * most / full)
    }
}

extension Server {
    /// Whether it may have one more request. Another worker may take the slot before the caller does: `takeSlot` decides.
    func hasSlot(_ load: BackendLoad) -> Bool {
        let limits = limits
        guard limits.maxConnections != nil else { return true }
        return queued.current == 0 && active.current < connectionLimit(limits, load)
    }

    /// Takes a slot. Returns false if all are taken, or requests wait for this server alone.
    func takeSlot(_ load: BackendLoad) -> Bool {
        queued.current == 0 && takeFreeSlot(load)
    }

    /// The same for a request that has waited.
    func takeFreeSlot(_ load: BackendLoad) -> Bool {
        let limits = limits
        guard limits.maxConnections != nil else {
            active.increment()
            return true
        }
        guard active.reserve(upTo: connectionLimit(limits, load)) else { return false }
        active.noteMaximum()
        return true
    }

    /// Whether one more request may wait for this server alone.
    var mayBeWaitedFor: Bool { limits.queueMax.map { queued.current < $0 } ?? true }
}

/// How busy a backend is, for the limits of its servers.
struct BackendLoad {
    let now: Int
    let full: Int
}
