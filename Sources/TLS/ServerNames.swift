// Which certificate a client gets: by the name that it asks for, exact or by a wildcard, and by the kinds of keys that it can check.
// The table is made whole and never changed; a listener exchanges it.

/// One name that an entry is for, or that it excludes.
struct ServerName: Equatable {
    /// In lower case; a wildcard without its asterisk: `.example.com`.
    let name: String
    let isWildcard: Bool
    /// Excluded from the wildcards of the same entry.
    let isNegated: Bool

    /// Reads a filter of a crt-list, or a name of a certificate. Nil for the empty one.
    ///
    /// `*` alone makes its entry a default: its name is empty.
    init?(_ text: String) {
        var rest = text.lowercased()[...]
        let isNegated = rest.hasPrefix("!")
        if isNegated { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        isWildcard = rest.hasPrefix("*")
        if isWildcard { rest.removeFirst() }
        name = String(rest)
        // As in HAProxy an exclamation mark before an asterisk means nothing.
        self.isNegated = isNegated && !isWildcard
    }

    /// Whether the entry is for clients that no other is for.
    var isDefault: Bool { isWildcard && name.isEmpty }
}

/// The kinds of signatures that a client can check.
struct ClientAbilities: Equatable {
    var rsa = false
    var ecdsa = false
}

/// Entries by the names that they are for.
struct ServerNames<Entry: Sendable>: Sendable {
    private struct Place {
        let entry: Entry
        let kind: KeyKind
        /// Names that the same entry excludes from its wildcards.
        let excluded: Set<String>
    }

    private var exact: [String: [Place]] = [:]
    private var wildcards: [String: [Place]] = [:]
    private var defaults: [Place] = []

    var isEmpty: Bool { exact.isEmpty && wildcards.isEmpty && defaults.isEmpty }
    var hasDefault: Bool { !defaults.isEmpty }

    /// Adds an entry for `names`. The one that was added first wins among those of one kind and name.
    mutating func add(_ entry: Entry, _ kind: KeyKind, for names: [ServerName]) {
        let place = Place(entry: entry, kind: kind, excluded: Set(names.filter(\.isNegated).map(\.name)))
        for name in names where !name.isNegated {
            if name.isDefault {
                defaults.append(place)
            } else if name.isWildcard {
                wildcards[name.name, default: []].append(place)
            } else {
                exact[name.name, default: []].append(place)
            }
        }
    }

    /// The entry for a name in lower case; nil if there is none.
    ///
    /// Of the entries for the name itself and for its wildcard, ECDSA comes first if the client can check it: such keys sign faster.
    func entry(for name: String, _ client: ClientAbilities) -> Entry? {
        var places = exact[name] ?? []
        if let dot = name.firstIndex(of: ".") {
            places += (wildcards[String(name[dot...])] ?? []).filter { !$0.excluded.contains(name) }
        }
        return Self.best(of: places, client)
    }

    /// The entry for clients that no other is for.
    func defaultEntry(_ client: ClientAbilities) -> Entry? { Self.best(of: defaults, client) }

    private static func best(of places: [Place], _ client: ClientAbilities) -> Entry? {
        func first(_ kind: KeyKind) -> Entry? { places.first { $0.kind == kind }?.entry }
        if client.ecdsa, let found = first(.ecdsa) { return found }
        if client.rsa, let found = first(.rsa) { return found }
        // Nothing fits, or the client cannot say: whatever there is.
        return first(.other) ?? first(.ecdsa) ?? first(.rsa)
    }
}
