// What one section says about where its lines go.

public import Configuration

/// The `log`, `log-tag` and `log-send-hostname` lines of a section.
public struct LoggingSettings: SectionSettings {
    /// One `log` line.
    public enum Line: Hashable, Sendable {
        /// `log global`: what the global section's lines say.
        case global
        /// A destination, whether the line names its format, and where the line names its target.
        case destination(LogDestination, formatIsGiven: Bool, at: SourceRange)
    }

    public var lines: [Line] = []
    /// `log-tag`.
    public var tag: String?
    /// `log-send-hostname`, in `global` only: the name it gives, or the machine's.
    public var hostname: String?

    public init() {}

    /// The destinations of a section with these settings, in file order, none of them twice.
    ///
    /// For the global section itself, pass the settings as their own `global`.
    /// - Parameter rings: the `ring` sections by name, whose format lines in them have.
    public func destinations(global: LoggingSettings, rings: [String: RingSettings] = [:]) -> [LogDestination] {
        var result: [LogDestination] = []
        for line in lines {
            switch line {
            case .global:
                for case .destination(let destination, let formatIsGiven, _) in global.lines {
                    result.append(completed(destination, formatIsGiven: formatIsGiven, global: global, rings))
                }
            case .destination(let destination, let formatIsGiven, _):
                result.append(completed(destination, formatIsGiven: formatIsGiven, global: global, rings))
            }
        }
        var seen: Set<LogDestination> = []
        return result.filter { seen.insert($0).inserted }
    }

    private func completed(
        _ destination: LogDestination, formatIsGiven: Bool, global: LoggingSettings, _ rings: [String: RingSettings]
    ) -> LogDestination {
        var destination = destination
        destination.tag = tag ?? global.tag
        destination.hostname = global.hostname
        if !formatIsGiven { destination.format = global.hostname == nil ? .local : .rfc3164 }
        if case .ring(let name) = destination.target, let ring = rings[name] {
            destination.format = ring.format
            destination.lengthMax = ring.lengthMax
        }
        return destination
    }

    /// Reports the rings and hosts that the section's own lines name in vain.
    public func check(rings: [String: RingSettings], _ problems: inout [ConfigProblem]) {
        for case .destination(let destination, _, let place) in lines {
            var problem: ConfigProblem?
            switch destination.target {
            case .ring(let name) where rings[name] == nil:
                problem = ConfigProblem(
                    "no ring section named '\(name)'", at: place, suggestion: nearest(name, among: rings.keys))
            case .stream(let target) where target.resolved() == nil:
                problem = ConfigProblem("no address for the host of '\(target)'", at: place)
            default: break
            }
            if let problem, !problems.contains(problem) { problems.append(problem) }
        }
    }
}
