// From `ring` and `mailers` sections to what other lines name.

internal import Configuration
internal import Logging

struct LogSections {
    private let ringDrafts: [Draft]
    /// What the `ring` sections say, by name.
    let rings: [String: RingSettings]
    private let mailers: NameIndex

    /// - Parameter drafts: of `ring`, `log-profile` and `mailers` sections, in any order.
    init(_ drafts: [Draft]) {
        ringDrafts = drafts.filter { $0.kind == .ring }
        rings = Dictionary(ringDrafts.map { ($0.name, $0[RingSettings.self]) }) { first, _ in first }
        mailers = NameIndex(of: "mailers section", drafts.filter { $0.kind == .mailers }.map(\.name))
    }

    /// Gives the logger its rings, before any destination is registered.
    func makeRings(in logger: Logger, _ problems: inout [ConfigProblem]) {
        for draft in ringDrafts {
            logger.add(draft[RingSettings.self].makeRing(named: draft.name, &problems))
        }
    }

    /// Reports what a section's log lines name in vain.
    func check(_ draft: Draft, _ problems: inout [ConfigProblem]) {
        draft[LoggingSettings.self].check(rings: rings, &problems)
        for reference in draft[MailSettings.self].references {
            do throws(ConfigProblem) {
                _ = try mailers.position(of: reference)
            } catch {
                if !problems.contains(error) { problems.append(error) }
            }
        }
    }
}
