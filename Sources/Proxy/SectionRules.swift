// The rules of one section, compiled, by when they run.

internal import Basics
internal import Rules

struct SectionRules: Sendable {
    let connection: RuleSet
    let session: RuleSet
    let requestContent: RuleSet
    let request: RuleSet
    let responseContent: RuleSet
    let response: RuleSet
    let afterResponse: RuleSet
    /// How long the rules on content may wait for bytes.
    let requestInspectDelay: TimeSpan
    let responseInspectDelay: TimeSpan

    /// The rules of a frontend, a backend, or the front half of a listen.
    init(_ settings: RulesSettings) {
        self.init(settings, bothHalves: settings)
    }

    /// The rules of the back half of a listen. Most have run in its front half already.
    init(backHalfOf settings: RulesSettings) {
        self.init(RulesSettings(), bothHalves: settings)
    }

    private init(_ settings: RulesSettings, bothHalves: RulesSettings) {
        connection = settings.ruleSet(.connection)
        session = settings.ruleSet(.session)
        requestContent = settings.ruleSet(.requestContent)
        request = settings.ruleSet(.httpRequest)
        // Only a server's side has these.
        responseContent = bothHalves.ruleSet(.responseContent)
        response = settings.ruleSet(.httpResponse)
        afterResponse = settings.ruleSet(.httpAfterResponse)
        requestInspectDelay = settings.requestInspectDelay
        responseInspectDelay = bothHalves.responseInspectDelay
    }
}
