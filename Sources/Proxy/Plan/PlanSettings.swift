// What `global` and the sections together say of how messages are read and written: each section of a plan refers to it, so that a
// connection finds it through its own frontend or backend, whichever plan a worker has by then.

internal import HTTP

/// The settings that all sections of one plan share.
final class PlanSettings: Sendable {
    /// The number of the plan among those of the process: later ones have higher numbers.
    let generation: UInt32
    private let headLimits: HeadLimits
    /// The spellings of field names for peers that accept only one case.
    let caseAdjustments: CaseAdjustments
    /// What connections of HTTP/2 allow their peers.
    let http2: HTTP2Plan
    /// Steps that matching one regular expression may take.
    let regularStepsMax: UInt32
    /// Whether rules or logs look at TLS on connections to servers.
    let looksAtServerTLS: Bool
    /// Whether the system may move bodies by itself (`nosplice`).
    let splices: Bool

    init(
        _ process: ProcessSettings, _ http2: HTTP2Settings, generation: UInt32, headLimits: HeadLimits,
        looksAtServerTLS: Bool
    ) {
        self.generation = generation
        self.headLimits = headLimits
        caseAdjustments = process.allCaseAdjustments
        self.http2 = http2.plan(bufferBytes: process.bufferBytes)
        regularStepsMax = UInt32(process.regularStepsMax)
        self.looksAtServerTLS = looksAtServerTLS
        splices = process.splices
    }

    /// The limits of a head, for proxies with or without one of HAProxy's `accept-invalid` options.
    func headLimits(acceptInvalid: Bool) -> HeadLimits {
        var limits = headLimits
        limits.acceptInvalid = acceptInvalid
        return limits
    }
}

extension PlanBuilder {
    /// A whole line must fit into a buffer with room to spare, whatever `tune.maxrewrite` keeps free for rules.
    func headBytesMax(_ process: ProcessSettings) -> Int {
        process.bufferBytes - max(64, min(process.rewriteBytes, process.bufferBytes / 2))
    }

    func headLimits(_ process: ProcessSettings) -> HeadLimits {
        // Backends are made before a size that leaves no room for a head is refused.
        HeadLimits(headBytesMax: max(512, headBytesMax(process)), fieldsMax: process.fieldsMax)
    }
}
