// Where the lines of a frontend's exchanges go.

internal import Logging

struct LineTargets: Sendable {
    /// Targets without a profile.
    let plain: LogTargets
    /// Targets with each of the frontend's profiles, in the order of `ExchangeLogSettings.profiles`.
    let profiled: [LogTargets]
}
