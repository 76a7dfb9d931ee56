// All sets of a configuration: which files rules and log formats name, read once each when the whole configuration is
// known.
//
// A line that names a file reserves an index for the look-up to come: `table.use(…)`. `PlanBuilder` calls
// `PatternSets.resolve` with all sections. From then on `program.lookup(index)` returns the look-up.

internal import Basics
public import Configuration

/// A file that a condition or a converter looks values up in.
struct PatternUse: Sendable {
    let file: Reference
    /// Where the file is, whatever `default-path` says by the time it is read.
    let path: String
    let isMap: Bool
    let method: MatchMethod
    let ignoresCase: Bool
    /// What the values of a map have to be.
    let valueType: MapValue
    /// The number said with `-u`.
    let id: Int?
    /// Where the look-up goes in the table.
    let place: Int
}

/// A file that an action changes.
public struct PatternChange: Sendable {
    let file: Reference
    let isMap: Bool
    /// Nil until the sets are resolved.
    public var set: PatternSet?
}

extension PatternTable {
    /// Keeps a use of a file; returns the index of its look-up.
    public mutating func use(
        _ file: Reference, isMap: Bool, _ method: MatchMethod, ignoringCase: Bool, valueType: MapValue = .text,
        id: Int? = nil
    ) -> Int {
        lookups.append(nil)
        patternUses.append(
            PatternUse(
                file: file, path: Files.absolute(file.name), isMap: isMap, method: method, ignoresCase: ignoringCase,
                valueType: valueType, id: id, place: lookups.count - 1))
        return lookups.count - 1
    }

    /// Keeps patterns given in the line itself; returns the index of their look-up.
    public mutating func use(
        _ words: [Word], _ method: MatchMethod, ignoringCase: Bool, id: Int? = nil
    ) throws(ConfigProblem) -> Int {
        let set = PatternSet("", id: id ?? -1, isMap: false)
        set.add(words)
        var problems: [ConfigProblem] = []
        lookups.append(set.lookup(method, ignoringCase: ignoringCase, words: words, &problems))
        if let problem = problems.first { throw problem }
        patternSets.append(set)
        return lookups.count - 1
    }

    /// Keeps a change of a file; returns its index.
    public mutating func change(_ file: Reference, isMap: Bool) -> Int {
        patternChanges.append(PatternChange(file: file, isMap: isMap, set: nil))
        return patternChanges.count - 1
    }
}

/// What the lines of a configuration want of one file.
struct PatternNeeds {
    struct Index: Hashable {
        let method: MatchMethod
        let ignoresCase: Bool
    }

    private(set) var indexes: Set<Index> = []
    private(set) var valueTypes: Set<MapValue> = []
    /// The number said with `-u`.
    private(set) var id: Int?
    var isChanged = false

    mutating func add(_ use: PatternUse) {
        indexes.insert(Index(method: use.method, ignoresCase: use.ignoresCase && use.method.looksAtCase))
        if use.isMap { valueTypes.insert(use.valueType) }
        id = id ?? use.id
    }
}

/// The sets, by their names and numbers.
public struct PatternSets: Sendable {
    /// Those of files, in the order in which they are first named, then those given in a line with a number (`-u`).
    public private(set) var sets: [PatternSet] = []
    private var places: [String: Int] = [:]
    /// What the lines want of each file.
    private var needs: [String: PatternNeeds] = [:]
    /// The sets of the configuration before, whose run-time changes live on.
    private var former: [String: PatternSet]

    /// - Parameter former: the sets of the configuration that is in force. Nothing changes them here; one that can serve the new lines and
    ///   whose file has the content it had is taken over.
    public init(keeping former: [PatternSet] = []) {
        self.former = Dictionary(former.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(name: String) -> PatternSet? { places[name].map { sets[$0] } }
    public subscript(id: Int) -> PatternSet? { sets.first { $0.id == id } }

    // Four steps, each for all tables before the next: what lines want of a file is known before it is read, and whether a set has one
    // column or two, and whether it is going to change, before anything looks into it.

    /// Notes what a table wants of its files.
    public mutating func note(_ table: PatternTable) {
        for use in table.patternUses { needs[use.file.name, default: PatternNeeds()].add(use) }
        for change in table.patternChanges { needs[change.file.name, default: PatternNeeds()].isChanged = true }
    }

    /// Reads the files that a table names; appends what is wrong with them.
    public mutating func read(_ table: PatternTable, _ problems: inout [ConfigProblem]) {
        for use in table.patternUses { read(use.file, at: use.path, isMap: use.isMap, id: use.id, &problems) }
        for set in table.patternSets where set.id >= 0 && !sets.contains(where: { $0 === set }) { sets.append(set) }
    }

    private mutating func read(
        _ file: Reference, at path: String, isMap: Bool, id: Int?, _ problems: inout [ConfigProblem]
    ) {
        if let known = self[file.name] {
            if let id, known.id < 0 { known.id = id }
            if known.isMap != isMap { problems.append(Self.mixed(file, isMap: isMap)) }
            return
        }
        places[file.name] = sets.count
        do throws(Files.Refusal) {
            let content = try Files.contents(of: path)
            sets.append(set(file, of: content, isMap: isMap, id: id, &problems))
        } catch {
            sets.append(PatternSet(file.name, id: id ?? -1, isMap: isMap))
            problems.append(ConfigProblem("cannot read '\(file.name)': \(error.text)", at: file.range))
        }
    }

    /// The set before, with what was changed in it, if the file is the same; else one of the file.
    private func set(
        _ file: Reference, of content: [UInt8], isMap: Bool, id: Int?, _ problems: inout [ConfigProblem]
    ) -> PatternSet {
        let digest = PatternSet.digest(of: content)
        if let former = former[file.name], former.isMap == isMap {
            if former.digest == digest {
                let needed = needs[file.name] ?? PatternNeeds()
                let isNumberFree = !needs.contains { $0 != file.name && $1.id == former.id }
                return isNumberFree && former.serves(needed)
                    ? former : PatternSet(file.name, id: id ?? -1, entriesOf: former)
            }
            if former.isEdited {
                problems.append(
                    ConfigProblem(
                        "'\(file.name)' is another file now: what was changed in it at run time is gone",
                        at: file.range, severity: .notice))
            }
        }
        let set = PatternSet(file.name, id: id ?? -1, isMap: isMap)
        set.read(content, digest: digest)
        return set
    }

    /// Lets the sets know that the table's rules change them.
    public mutating func markChanges(_ table: inout PatternTable, _ problems: inout [ConfigProblem]) {
        for i in table.patternChanges.indices {
            let change = table.patternChanges[i]
            if self[change.file.name] == nil {
                // No condition and no converter reads it.
                problems.append(
                    ConfigProblem(
                        "'\(change.file.name)' is changed, but nothing looks into it", at: change.file.range,
                        expected: change.isMap
                            ? "a map(\(change.file.name))" : "a condition with -f \(change.file.name)",
                        severity: .warning))
                places[change.file.name] = sets.count
                sets.append(PatternSet(change.file.name, isMap: change.isMap))
            }
            guard let set = self[change.file.name] else { continue }
            if change.isMap, !set.isMap { problems.append(Self.mixed(change.file, isMap: true)) }
            set.becomeChangeable()
            table.patternChanges[i].set = set
            table.patternSets.append(set)
        }
    }

    /// Lets the table know its sets.
    public func resolve(_ table: inout PatternTable, _ problems: inout [ConfigProblem]) {
        var known = Set(table.patternSets.map(ObjectIdentifier.init))
        for use in table.patternUses {
            guard let set = self[use.file.name] else { continue }
            var found: [ConfigProblem] = []
            table.lookups[use.place] = set.lookup(use.method, ignoringCase: use.ignoresCase, &found)
            if use.isMap { set.requireValues(use.valueType, &found) }
            for var problem in found {
                problem.message += " (the file is named in \(use.file.range.file):\(use.file.range.line))"
                problems.append(problem)
            }
            if known.insert(ObjectIdentifier(set)).inserted { table.patternSets.append(set) }
        }
    }

    /// Call when all tables know their sets.
    public mutating func finish() {
        for set in sets { set.finish() }
        (former, needs) = ([:], [:])
        giveNumbers()
    }

    /// Sets without a number of their own get the lowest that are free.
    private func giveNumbers() {
        var taken = Set(sets.map(\.id))
        var next = 0
        for set in sets where set.id < 0 {
            while !taken.insert(next).inserted { next += 1 }
            set.id = next
        }
    }

    private static func mixed(_ file: Reference, isMap: Bool) -> ConfigProblem {
        ConfigProblem(
            isMap
                ? "'\(file.name)' is read as a list of patterns elsewhere, and cannot be a map here"
                : "'\(file.name)' is read as a map elsewhere, and cannot be a list of patterns here",
            at: file.range, expected: "another file, or -M before -f for a condition on the keys of a map")
    }
}
