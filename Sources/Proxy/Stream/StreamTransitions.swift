// The pairs of phase and event by number, for the simulation, and those that cannot occur, with the reason of each.

extension StreamPhase {
    static let names = [
        "readingHead", "inspecting", "pausing", "resolving", "awaitingBody", "takingBody", "queued", "tarpitted",
        "connecting", "retrying", "awaitingResponse", "holding", "relaying", "tunnelling", "answering", "draining",
        "ended",
    ]

    /// Its place in `names`.
    var number: Int {
        switch self {
        case .readingHead: 0
        case .inspecting: 1
        case .pausing: 2
        case .resolving: 3
        case .awaitingBody: 4
        case .takingBody: 5
        case .queued: 6
        case .tarpitted: 7
        case .connecting: 8
        case .retrying: 9
        case .awaitingResponse: 10
        case .holding: 11
        case .relaying: 12
        case .tunnelling: 13
        case .answering: 14
        case .draining: 15
        case .ended: 16
        }
    }
}

extension StreamEvent {
    static let names = [
        "progress", "timeUp", "headComplete", "headMalformed", "headTimedOut", "clientLeft", "clientTimedOut",
        "connected", "connectFailed", "connectTimedOut", "serverTimedOut", "slotGranted", "nameAnswered", "stopped",
    ]

    /// Its place in `names`.
    var number: Int {
        switch self {
        case .progress: 0
        case .timeUp: 1
        case .headComplete: 2
        case .headMalformed: 3
        case .headTimedOut: 4
        case .clientLeft: 5
        case .clientTimedOut: 6
        case .connected: 7
        case .connectFailed: 8
        case .connectTimedOut: 9
        case .serverTimedOut: 10
        case .slotGranted: 11
        case .nameAnswered: 12
        case .stopped: 13
        }
    }
}

/// Which events a phase can meet.
enum StreamTransitions {
    /// Events that only some phases can meet, and why no other can. What is not here can happen at any time.
    private static let onlyIn: [(events: [String], phases: [String], reason: String)] = [
        (
            ["headComplete", "headMalformed", "headTimedOut", "clientLeft"], ["readingHead"],
            "the client's connection reads heads between exchanges only"
        ),
        (
            ["clientTimedOut"], ["takingBody", "awaitingResponse", "relaying", "answering", "draining"],
            "a connection's deadline of input or output runs only while the phase moves bytes"
        ),
        (
            ["timeUp"],
            [
                "inspecting", "pausing", "resolving", "awaitingBody", "queued", "tarpitted", "retrying", "holding",
                "tunnelling",
            ],
            "the phase has no deadline of its own"
        ),
        (
            ["connected", "connectFailed", "connectTimedOut"], ["connecting"],
            "a server's connection connects once, and belongs to the stream that wants it"
        ),
        (["serverTimedOut"], ["awaitingResponse", "relaying"], "the phase waits for no bytes of a server"),
        (["slotGranted"], ["queued"], "a worker delivers a slot only to the ticket that waits for it"),
        (["nameAnswered"], ["resolving"], "a worker delivers an answer only to the question that waits for it"),
    ]

    /// Why `event` cannot find a stream in `phase`; nil if it can.
    static func whyImpossible(_ phase: String, _ event: String) -> String? {
        if phase == "ended" { return "a stream that has ended has no connection and no ticket" }
        if phase == "readingHead" && event == "progress" { return "the client's connection alone acts on its input" }
        return onlyIn.first { $0.events.contains(event) && !$0.phases.contains(phase) }?.reason
    }
}
