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
    /// Changes are made in place, without copying: appending a server does not copy the others. Reading one field does not copy the rest.
    public subscript<S: SectionSettings>(_ type: S.Type) -> S {
        _read { yield settings[type] }
        _modify { yield &settings[type] }
    }
}

/// One value of each type of settings.
public struct SettingsByType: Sendable {
    /// Each a `SettingsBox` of the type that is its key. The type need not be asked for: a dynamic cast of an existential takes
    /// longer than most keywords take to be read.
    private var boxes: [ObjectIdentifier: AnySettingsBox] = [:]

    public init() {}

    /// The value of type `S`; a fresh `S()` until something was set.
    public subscript<S: SectionSettings>(_ type: S.Type) -> S {
        // Lent, not returned: to copy the large settings for the sake of one field took most of the time of a file with many sections.
        _read {
            if let box = boxes[ObjectIdentifier(type)] {
                yield Self.open(box, as: type).value
            } else {
                yield S()
            }
        }
        _modify {
            let key = ObjectIdentifier(type)
            // Copies of the settings share boxes until one of them changes.
            if let index = boxes.index(forKey: key) {
                if !isKnownUniquelyReferenced(&boxes.values[index]) {
                    boxes.values[index] = SettingsBox(Self.open(boxes.values[index], as: type).value)
                }
                yield &Self.open(boxes.values[index], as: type).value
            } else {
                let box = SettingsBox(S())
                boxes[key] = box
                yield &box.value
            }
        }
    }

    // Safe: a box is stored under the type of its value alone.
    private static func open<S: SectionSettings>(_ box: AnySettingsBox, as type: S.Type) -> SettingsBox<S> {
        unsafe unsafeDowncast(box, to: SettingsBox<S>.self)
    }
}

/// Safe to share: `SettingsByType` changes a box only if no other refers to it.
private class AnySettingsBox: @unchecked Sendable {}

private final class SettingsBox<S: SectionSettings>: AnySettingsBox, @unchecked Sendable {
    var value: S
    init(_ value: S) { self.value = value }
}
