// A section while its lines are being parsed. A draft starts as a copy of its `defaults` draft.
//
// This module implements the language and does not know the meaning of keywords: each module with keywords stores their
// values in a settings struct of its own, which it looks up here by type.

/// The settings of one module for one section.
public protocol SectionSettings: Sendable {
    /// The defaults.
    init()
}

/// One section being parsed.
public struct Draft: Sendable {
    public let kind: SectionKind
    /// The section's name; for an unnamed section its kind.
    public let name: String
    /// The position of the section's name, or of its keyword if it has no name.
    public let range: SourceRange

    private var settings = SettingsByType()

    public init(kind: SectionKind, name: String, range: SourceRange) {
        self.kind = kind
        self.name = name
        self.range = range
    }

    /// A new section that starts with the settings of `defaults`.
    public init(kind: SectionKind, name: String, range: SourceRange, from defaults: Draft) {
        self.init(kind: kind, name: name, range: range)
        settings = defaults.settings
    }

    /// The settings of type `S`; `S()` if none have been stored.
    ///
    /// Changes are made in place, without copying: appending a server does not copy the others.
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
