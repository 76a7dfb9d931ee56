// `show events`: the rings of log lines, and the lines in one of them, in HAProxy's layout.

internal import Basics

extension Command {
    static let showEvents = Command(
        "show events", usage: "show events [<ring>] [-w] [-n] [-0]",
        summary:
            "list the rings of log lines, or show the lines in one; -w waits for more, -n skips those there, -0 ends lines "
            + "with NUL"
    ) { call in
        guard let name = call.words.first else { return list(&call) }
        guard call.session.level >= .operator else { return call.say("Permission denied") }
        guard call.context.eventSinks().contains(where: { $0.name == name }) else {
            return call.say("No such event sink")
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
            default: return call.say("unknown option")
            }
        }
        if skips { follow.position = call.context.endOfEvents(of: name) }
        guard waits else {
            call.context.readEvents(
                of: name, from: &follow.position, into: &call.out, delimiter: follow.delimiter, bytesMax: .max)
            return
        }
        call.session.follow = follow
    }

    private static func list(_ call: inout CommandCall) {
        call.say("Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key to stop.")
        for sink in call.context.eventSinks() {
            let padding = String(repeating: " ", count: max(0, 10 - sink.name.utf8.count))
            call.say("    \(sink.name)\(padding) : type=buffer, \(sink.dropped) dropped, \(sink.description)")
        }
    }
}

/// A ring of log lines, as `show events` lists it.
public struct EventSink: Sendable {
    public var name: String
    public var description: String
    /// Lines that found no room in it.
    public var dropped: UInt64

    public init(name: String, description: String, dropped: UInt64) {
        self.name = name
        self.description = description
        self.dropped = dropped
    }
}

/// A conversation that shows the lines of a ring as they come.
struct EventFollow: Sendable {
    /// Bytes shown at a time.
    static let bytesMax = 65_536

    let name: String
    var position: UInt64 = 0
    var delimiter: UInt8 = 0x0A

    init(name: String) { self.name = name }
}
