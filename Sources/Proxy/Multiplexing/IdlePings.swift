// `idle-ping`: while a connection of HTTP/2 is idle its peer is asked from time to time whether it is there. A connection whose peer has
// not answered by the time of the next question leads nowhere: the path to it is broken, or the machine behind it is gone, and no packet
// would ever say so.
//
// What keeps the time is the multiplexer's: it has one deadline for this and for everything else that may end an idle connection.

internal import Basics
internal import HTTP

/// When the peer of an idle connection is asked, and whether it answers.
struct IdlePings {
    /// When the next question is due; `never` while the connection is not idle.
    private var due = Instant.never

    /// The time of the next question.
    /// - Parameter interval: from one to the next; nil where none is asked.
    mutating func next(every interval: TimeSpan?, now: Instant) -> Instant {
        guard let interval else { return .never }
        if due == .never { due = now + interval }
        return due
    }

    /// The connection is not idle, or begins to be so anew.
    mutating func forget() { due = .never }

    /// Asks if it is time to. Returns false if the peer has not answered the last question; then the connection leads nowhere.
    mutating func ask(every interval: TimeSpan?, over http2: HTTP2Connection, now: Instant) -> Bool {
        guard let interval, now >= due else { return true }
        if http2.awaitsPong { return false }
        http2.ping()
        due = now + interval
        return true
    }
}
