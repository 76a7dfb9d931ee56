// What one section says about where its lines go.

public import Configuration

/// The `log`, `log-tag` and `log-send-hostname` lines of a section.
public struct LoggingSettings: SectionSettings {
    /// One `log` line.
    public enum Line: Hashable, Sendable {
        /// `log global`: what the global section's lines say.
        case global
        /// A destination whose format is nil if the line names none.
        case destination(LogDestination, formatIsGiven: Bool)
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
    public func destinations(global: LoggingSettings) -> [LogDestination] {
        var result: [LogDestination] = []
        for line in lines {
            switch line {
            case .global:
                for case .destination(let destination, let formatIsGiven) in global.lines {
                    result.append(completed(destination, formatIsGiven: formatIsGiven, global: global))
                }
            case .destination(let destination, let formatIsGiven):
                result.append(completed(destination, formatIsGiven: formatIsGiven, global: global))
            }
        }
        var seen: Set<LogDestination> = []
        return result.filter { seen.insert($0).inserted }
    }

    private func completed(
        _ destination: LogDestination, formatIsGiven: Bool, global: LoggingSettings
    ) -> LogDestination {
        var destination = destination
        destination.tag = tag ?? global.tag
        destination.hostname = global.hostname
        if !formatIsGiven { destination.format = global.hostname == nil ? .local : .rfc3164 }
        return destination
    }
}
