// The log settings of a section.

public import Configuration

/// The `log`, `log-tag` and `log-send-hostname` lines of a section.
public struct LoggingSettings: SectionSettings {
    /// The positions of a `log` line's target and profile, for problems found after parsing.
    public struct Positions: Hashable, Sendable {
        var target: SourceRange
        var profile: SourceRange?
    }

    /// One `log` line.
    public enum Line: Hashable, Sendable {
        /// `log global`: the destinations of the global section.
        case global
        /// A destination, and whether the line sets its format.
        case destination(LogDestination, formatIsGiven: Bool, at: Positions)
    }

    public var lines: [Line] = []
    /// `log-tag`.
    public var tag: String?
    /// `log-send-hostname`, in `global` only: the given name, or the machine's.
    public var hostname: String?

    public init() {}

    /// The destinations of a section with these settings, in file order, without duplicates.
    ///
    /// For the global section itself, pass the same settings as `global`.
    /// - Parameters:
    ///   - rings: the `ring` sections by name. Lines sent to a ring have the ring's format.
    ///   - profiles: the `log-profile` sections by name. Lines with a profile have the profile's tag.
    public func destinations(
        global: LoggingSettings, rings: [String: RingSettings] = [:], profiles: [String: LoggingSettings] = [:]
    ) -> [LogDestination] {
        var result: [LogDestination] = []
        for line in lines {
            for case .destination(var destination, let formatIsGiven, _) in line == .global ? global.lines : [line] {
                destination.tag = tag ?? global.tag
                if let profile = destination.profile, let own = profiles[profile]?.tag { destination.tag = own }
                destination.hostname = global.hostname
                if !formatIsGiven { destination.format = global.hostname == nil ? .local : .rfc3164 }
                if case .ring(let name) = destination.target, let ring = rings[name] {
                    destination.format = ring.format
                    destination.lengthMax = ring.lengthMax
                }
                result.append(destination)
            }
        }
        var seen: Set<LogDestination> = []
        return result.filter { seen.insert($0).inserted }
    }

    /// Reports references to unknown rings and profiles, and host names that do not resolve, in the section's own
    /// lines.
    public func check(
        rings: [String: RingSettings], profiles: [String: LoggingSettings], _ problems: inout [ConfigProblem]
    ) {
        for case .destination(let destination, _, let positions) in lines {
            let range = positions.target
            if let profile = destination.profile, profiles[profile] == nil {
                let problem = ConfigProblem(
                    "no log-profile section named '\(profile)'", at: positions.profile,
                    suggestion: nearest(profile, among: profiles.keys))
                if !problems.contains(problem) { problems.append(problem) }
            }
            var problem: ConfigProblem?
            switch destination.target {
            case .ring(let name) where rings[name] == nil:
                problem = ConfigProblem(
                    "no ring section named '\(name)'", at: range, suggestion: nearest(name, among: rings.keys))
            case .stream(let target) where target.resolved() == nil:
                problem = ConfigProblem("no address for the host of '\(target)'", at: range)
            default: break
            }
            if let problem, !problems.contains(problem) { problems.append(problem) }
        }
    }
}
