// What a peer may do only so often: frames that cost this side work and change nothing, and streams that it gives up.
//
// All of it is counted as glitches, which an operator can limit (`tune.h2.fe.glitches-threshold`). Besides, whatever the operator says,
// a connection has an allowance of what costs this side work: a sensible peer never uses it up.

internal import Basics

/// So many at once, and so many a second from there on.
struct Allowance: Sendable {
    private var left = Self.atOnce
    private var refilled: Instant?

    private static let atOnce = 1_000
    private static let perSecond = 200

    mutating func refill(at now: Instant) {
        guard let before = refilled else {
            refilled = now
            return
        }
        guard left < Self.atOnce else {
            refilled = now
            return
        }
        let earned = now.since(before).wholeMilliseconds * UInt64(Self.perSecond) / 1_000
        guard earned > 0 else { return }
        left = min(Self.atOnce, left + Int(earned))
        refilled = now
    }

    /// The peer has done something useful.
    mutating func earn() {
        if left < Self.atOnce { left += 1 }
    }

    /// False if nothing is left.
    mutating func take() -> Bool {
        left -= 1
        return left >= 0
    }
}

extension HTTP2Connection {
    /// Counts something that no sensible peer does, or not often. An event if it was once too often.
    /// - Parameter isAbuse: it costs this side work.
    func glitch(_ what: String, isAbuse: Bool = true) -> HTTP2Event? {
        glitches += 1
        counts.glitches += 1
        if limits.glitchesMax > 0, glitches >= limits.glitchesMax, !toleratesGlitches {
            return fail(.enhanceYourCalm, "\(glitches) glitches, the last were \(what)")
        }
        if isAbuse, !allowance.take() { return fail(.enhanceYourCalm, "too many \(what)") }
        return nil
    }

    // MARK: Faults of one stream

    /// Ends a stream for what the peer has sent on it.
    func resetStream(_ slot: StreamSlot, _ code: HTTP2ErrorCode) -> HTTP2Event {
        let id = streams[slot].id
        appendReset(id, code)
        streams[slot].isReset = true
        streams[slot].peerHasEnded = true
        streams[slot].hasEnded = true
        if let event = glitch("faults of streams") { return event }
        counts.streamErrors += 1
        return .reset(slot, code, byPeer: false)
    }

    func resetAbandoned(_ slot: StreamSlot, _ code: HTTP2ErrorCode) -> HTTP2Event? {
        appendReset(streams[slot].id, code)
        remove(slot)
        return glitch("content of streams that are over")
    }
}
