// Host names for a reading of the configuration that must not wait for the system's resolver: what is known is looked up here, and what is
// not known is noted, so that it can be looked up elsewhere before the configuration is read once more.

public import Basics

/// The addresses of host names. While it is in use, `HostResolver` asks it instead of the system.
public final class NameBook: Sendable {
    @TaskLocal static var current: NameBook?

    private struct Entries {
        var known: [String: [IPAddress]] = [:]
        var missing: [String] = []
    }
    private let entries = Lock(Entries())

    public init() {}

    /// Lets `body` find host names here.
    public func use<R>(_ body: () throws -> R) rethrows -> R { try Self.$current.withValue(self, operation: body) }

    /// What was asked for and is not known, each name once.
    public var missing: [String] { entries.withLock { $0.missing } }

    /// Keeps the addresses of names, in the same order; none for a name without one. They are not missing any more.
    public func learn(_ names: [String], _ addresses: [[IPAddress]]) {
        precondition(names.count == addresses.count, "\(addresses.count) answers to \(names.count) names")
        entries.withLock { entries in
            for (name, found) in zip(names, addresses) { entries.known[name] = found }
            entries.missing.removeAll { entries.known[$0] != nil }
        }
    }

    /// The addresses of a name; none if it is not known.
    func addresses(of name: String) -> [IPAddress] {
        entries.withLock { entries in
            if let known = entries.known[name] { return known }
            if !entries.missing.contains(name) { entries.missing.append(name) }
            return []
        }
    }
}
