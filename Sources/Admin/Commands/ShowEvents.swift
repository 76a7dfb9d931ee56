// `show events`: the rings of log lines, and the lines in one of them, in HAProxy's layout.

internal import Basics

public enum ShowEvents: RuntimeCommand {
    public static let name = "show events"
    public static let usage = "show events [<ring>] [-w] [-n] [-0]"
    public static let summary =
        "list the rings of log lines, or show the lines in one; -w waits for more, -n skips those there, -0 ends lines "
        + "with NUL"

    public static func run(_ call: inout CommandCall) {
        guard let name = call.words.first else { return list(&call) }
        guard call.level >= .operator else { return call.fail("Permission denied") }
        guard call.context.eventSinks().contains(where: { $0.name == name }) else {
            return call.fail("No such event sink")
        }
        var waits = false
        var skips = false
        var follow = EventFollow(name: name)
        for option in call.words.dropFirst() {
            switch option {
            case "-w": waits = true
            case "-n": skips = true
            case "-nw", "-wn": (waits, skips) = (true, true)
            case "-0": follow.delimiter = 0
            default: return call.fail("unknown option")
            }
        }
        let end = call.context.endOfEvents(of: name)
        if skips { follow.position = end }
        if waits {
            call.session.follow = follow
        } else {
            call.say(inPieces: EventLines(context: call.context, follow: follow, end: end))
        }
    }

    private static func list(_ call: inout CommandCall) {
        call.say("Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key to stop.")
        for sink in call.context.eventSinks() {
            let padding = String(repeating: " ", count: max(0, 10 - sink.name.utf8.count))
            call.say("    \(sink.name)\(padding) : type=buffer, \(sink.dropped) dropped, \(sink.description)")
        }
    }
}

/// The lines that a ring had when they were asked for. Those that newer lines replace while the reader is slow are left out.
private struct EventLines: PieceProducer {
    let context: any CommandContext
    var follow: EventFollow
    let end: UInt64

    mutating func next(into out: inout [UInt8], at now: Instant) -> Bool {
        guard follow.position < end else { return false }
        let before = follow.position
        context.readEvents(
            of: follow.name, from: &follow.position, into: &out, delimiter: follow.delimiter,
            bytesMax: EventFollow.bytesMax)
        return follow.position > before
    }
}

/// A ring of log lines, as `show events` lists it.
public struct EventSink: Sendable {
    public var name: String
    public var description: String
    /// Lines that were lost because the ring had no room.
    public var dropped: UInt64

    public init(name: String, description: String, dropped: UInt64) {
        self.name = name
        self.description = description
        self.dropped = dropped
    }
}

/// A conversation that shows the lines of a ring as they come.
struct EventFollow: Sendable {
    /// Bytes read from the ring at a time.
    static let bytesMax = 2_048

    let name: String
    var position: UInt64 = 0
    var delimiter: UInt8 = 0x0A

    init(name: String) { self.name = name }
}
