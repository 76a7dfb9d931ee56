// A section as its lines have filled it in so far. A draft starts as a copy of its `defaults` draft.
//
// This room knows the language, not what the words mean: each room that gives keywords keeps what they
// say in a settings struct of its own, and finds it here by its type.

/// What one room's keywords fill in for one section.
public protocol SectionSettings: Sendable {
    /// The state before any line was read.
    init()
}

/// One section being read.
public struct Draft: Sendable {
    public let kind: SectionKind
    /// The section's name; for an unnamed section the kind.
    public let name: String
    /// Where the section begins: its name, or its keyword if it has no name.
    public let range: SourceRange

    private var settings = SettingsByType()

    public init(kind: SectionKind, name: String, range: SourceRange) {
        self.kind = kind
        self.name = name
        self.range = range
    }

    /// A new section that starts with everything that `defaults` says.
    public init(kind: SectionKind, name: String, range: SourceRange, from defaults: Draft) {
        self.init(kind: kind, name: name, range: range)
        settings = defaults.settings
    }

    /// The settings of type `S`; a fresh `S()` until something was set.
    ///
    /// Changes happen in place, so that appending the ten-thousandth server costs no copy of the others.
    public subscript<S: SectionSettings>(_ type: S.Type) -> S {
        get { settings[type] }
        _modify { yield &settings[type] }
    }
}

/// One value of each type of settings.
public struct SettingsByType: Sendable {
    private var values: [ObjectIdentifier: any SectionSettings] = [:]

    public init() {}

    /// The value of type `S`; a fresh `S()` until something was set.
    public subscript<S: SectionSettings>(_ type: S.Type) -> S {
        get { values[ObjectIdentifier(type)] as? S ?? S() }
        _modify {
            let key = ObjectIdentifier(type)
            var value = values.removeValue(forKey: key) as? S ?? S()
            defer { values[key] = value }
            yield &value
        }
    }
}
