// Commands that help to find faults: they are hidden and refused until a conversation says that its operator knows what they do.
//
// HAProxy has more of them, most of which stop, delay or crash the process; a test of the log is what scripts use.

internal import Basics

/// `expert-mode`: whether this conversation may use commands for experts.
public enum ExpertMode: RuntimeCommand {
    public static let name = "expert-mode"
    public static let usage = "expert-mode [on|off]"
    public static let level = AccessLevel.admin
    public static let summary = "show or change whether commands for experts are allowed in this session"

    public static func run(_ call: inout CommandCall) {
        switch call.words.first {
        case nil: call.say("expert-mode is \(call.session.isExpert ? "ON" : "OFF")")
        case "on": call.session.isExpert = true
        case "off": call.session.isExpert = false
        case let word?: call.fail("'\(word)' is not a mode; on or off")
        }
    }
}

/// `debug dev log`: a line in the log of `global`, which shows whether that arrives.
public enum DebugLog: RuntimeCommand {
    public static let name = "debug dev log"
    public static let usage = "debug dev log <text>"
    public static let level = AccessLevel.admin
    public static let isForExperts = true
    public static let summary = "send a text to the log targets of the global section, with level info"

    public static func run(_ call: inout CommandCall) {
        guard !call.words.isEmpty else { return call.fail("'debug dev log' expects a text") }
        let text = call.words.joined(separator: " ")
        // A byte that ends a line would begin another one in files.
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard isPlain else { return call.fail("the text has control characters") }
        call.context.log(text)
    }
}
