// The rules of one section, compiled, by when they run.

internal import Basics
internal import Configuration
internal import Rules

/// An object, so that asking for one set of them copies nothing.
final class SectionRules: Sendable {
    let connection: RuleSet
    let session: RuleSet
    let requestContent: RuleSet
    let request: RuleSet
    /// On requests for the stats page.
    let statsRequest: RuleSet
    let responseContent: RuleSet
    let response: RuleSet
    let afterResponse: RuleSet
    /// Whether some of them, or the section's log format, look into the request's body, or the response's.
    let looksIntoBodies: Bool
    let looksIntoResponseBodies: Bool
    /// Whether some of them look at requests' heads.
    let looksAtRequestHeads: Bool
    /// There are no rules on requests, and none that looks into their bodies.
    let ignoresRequests: Bool
    /// How long the rules on content may wait for bytes.
    let requestInspectDelay: TimeSpan
    let responseInspectDelay: TimeSpan

    /// The rules of a frontend, a backend, or the front half of a listen.
    convenience init(_ draft: Draft) {
        self.init(draft[RulesSettings.self], bothHalves: draft)
    }

    /// The rules of the back half of a listen. Most have run in its front half already.
    convenience init(backHalfOf draft: Draft) {
        self.init(RulesSettings(), bothHalves: draft)
    }

    private init(_ settings: RulesSettings, bothHalves draft: Draft) {
        let bothHalves = draft[RulesSettings.self]
        // In TCP mode there are no messages that such rules could be about, even where a connection becomes HTTP later.
        let ofMessages = draft[ProxySettings.self].mode == .http ? settings : RulesSettings()
        looksIntoBodies = draft.looksIntoRequestBodies
        looksIntoResponseBodies = draft.looksIntoResponseBodies
        looksAtRequestHeads = draft.looksAtRequestHeads
        connection = settings.ruleSet(.connection)
        session = settings.ruleSet(.session)
        requestContent = settings.ruleSet(.requestContent)
        request = ofMessages.ruleSet(.httpRequest)
        statsRequest = ofMessages.ruleSet(.statsRequest)
        ignoresRequests = request.isEmpty && !looksIntoBodies
        // Only a server's side has these.
        responseContent = bothHalves.ruleSet(.responseContent)
        response = ofMessages.ruleSet(.httpResponse)
        afterResponse = ofMessages.ruleSet(.httpAfterResponse)
        requestInspectDelay = settings.requestInspectDelay
        responseInspectDelay = bothHalves.responseInspectDelay
    }
}
