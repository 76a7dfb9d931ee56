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

/// The sets, by their names and numbers.
public struct PatternSets: Sendable {
    /// Those of files, in the order in which they are first named, then those given in a line with a number (`-u`).
    public private(set) var sets: [PatternSet] = []
    private var places: [String: Int] = [:]
    private var users: [String: [String]] = [:]

    public init() {}

    public subscript(name: String) -> PatternSet? { places[name].map { sets[$0] } }
    public subscript(id: Int) -> PatternSet? { sets.first { $0.id == id } }

    // Three steps, each for all tables before the next: what is read first is whether a set has one column or two, and whether it
    // is going to change.

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
        let set = PatternSet(file.name, id: id ?? -1, isMap: isMap)
        places[file.name] = sets.count
        sets.append(set)
        do throws(Files.Refusal) {
            set.read(try Files.contents(of: path))
        } catch {
            problems.append(ConfigProblem("cannot read '\(file.name)': \(error.text)", at: file.range))
        }
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
