// A set of patterns, or of patterns and values: the lines of one file, shared by all its users, and what rules have changed since.
//
// A path is one set, whatever it is used for; each way to match is an index over its entries (`PatternIndex`). A set that
// does not change is read without a lock by all workers. One that rules or an operator may change has a `ReadMostlyLock`: a
// change waits until reads under way have ended, and later reads see it.

internal import Basics
internal import Configuration

@safe
public final class PatternSet: @unchecked Sendable {
    /// The file's path as it was written; empty for patterns given in a line.
    public let name: String
    /// The number by which the runtime socket knows it.
    public internal(set) var id: Int
    /// Whether each entry has a value.
    public let isMap: Bool

    private let store: UnsafeMutablePointer<PatternStore>
    private var indexes: [UnsafeMutablePointer<PatternIndex>] = unsafe []
    private var lock: UnsafeMutablePointer<ReadMostlyLock>?
    /// What values have to be, for those who read them: numbers, addresses.
    private var valueTypes: [MapValue] = []
    /// Of the content of the file that the set was read from; nil for one that has no file.
    private(set) var digest: UInt64?
    /// Whether anything was changed at run time.
    private var wasEdited = false
    /// While the file is read: the line and column of each entry.
    private var origins: [(line: Int32, column: Int32)] = []

    /// What rules may add to a set: so many entries, and bytes of text, in it at all. A file may bring more.
    static let entriesMax = 1 << 20
    static let textBytesMax = 256 << 20

    init(_ name: String, id: Int = -1, isMap: Bool) {
        self.name = name
        self.id = id
        self.isMap = isMap
        unsafe store = .allocate(capacity: 1)
        unsafe store.initialize(to: PatternStore())
    }

    /// One with the entries that another has now, to be looked into in other ways.
    convenience init(_ name: String, id: Int, entriesOf other: PatternSet) {
        self.init(name, id: id, isMap: other.isMap)
        digest = other.digest
        unsafe other.reading { from in
            for slot in unsafe from.pointee.slots {
                _ = unsafe store.pointee.add(from.pointee.key(slot), from.pointee.value(slot))
            }
            wasEdited = other.wasEdited
        }
    }

    deinit {
        for i in unsafe indexes.indices {
            unsafe indexes[i].deinitialize(count: 1)
            unsafe indexes[i].deallocate()
        }
        unsafe store.deinitialize(count: 1)
        unsafe store.deallocate()
        if let lock = unsafe lock {
            unsafe lock.deinitialize(count: 1)
            unsafe lock.deallocate()
        }
    }

    /// What it takes of memory.
    public var memory: Int {
        unsafe indexes.reduce(store.pointee.memory) { unsafe $0 + $1.pointee.memory }
    }

    // MARK: Building, before there are workers

    /// What tells one content of a file from another (FNV-1a, 64 bits: no protection against who writes the file).
    static func digest(of content: [UInt8]) -> UInt64 {
        content.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Reads the lines of a file. A key of a map that stands alone has the empty value.
    func read(_ content: [UInt8], digest: UInt64? = nil) {
        self.digest = digest
        var lines = PatternLines(content, isMap: isMap)
        unsafe store.pointee.reserve(entries: content.count / 24, bytes: content.count)
        while let line = lines.next() {
            let all = unsafe content.span.bytes
            _ = unsafe store.pointee.add(all.extracting(line.key), all.extracting(line.value))
            origins.append((Int32(line.number), Int32(line.column)))
        }
    }

    /// Adds patterns given in a line.
    func add(_ words: [Word]) {
        for word in words {
            let text = word.text.verbatimBytes
            unsafe _ = store.pointee.add(text.span.bytes, RawSpan())
        }
    }

    /// Forgets what only matters while the file is read.
    func finish() { if !origins.isEmpty { origins = [] } }

    /// Whether the set can be used for all of that as it is: while workers look into it, it gets no other index.
    func serves(_ needs: PatternNeeds) -> Bool {
        let indexes = unsafe Set(
            indexes.map { unsafe PatternNeeds.Index(method: $0.pointee.method, ignoresCase: $0.pointee.ignoresCase) })
        let isChangeable = unsafe lock != nil
        return needs.indexes.isSubset(of: indexes) && (needs.id == nil || needs.id == id)
            && (!needs.isChanged || isChangeable)
            && needs.valueTypes.allSatisfy { !$0.isChecked || valueTypes.contains($0) }
    }

    /// Lets rules change the set.
    func becomeChangeable() {
        guard unsafe lock == nil else { return }
        unsafe lock = .allocate(capacity: 1)
        unsafe lock.unsafelyUnwrapped.initialize(to: ReadMostlyLock())
        // Entries are changed by the text of their keys.
        _ = index(.str, ignoringCase: false)
    }

    /// The way to look values up by this method; makes it, and appends what is wrong with keys, the first time.
    /// - Parameter words: the patterns' words, if they were given in a line.
    func lookup(
        _ method: MatchMethod, ignoringCase: Bool, words: [Word] = [], _ problems: inout [ConfigProblem]
    ) -> PatternLookup {
        let place = index(method, ignoringCase: ignoringCase, words: words, &problems)
        return unsafe PatternLookup(index: indexes[place], store: store, lock: lock)
    }

    private func index(_ method: MatchMethod, ignoringCase: Bool) -> Int {
        var problems: [ConfigProblem] = []
        return index(method, ignoringCase: ignoringCase, words: [], &problems)
    }

    private func index(
        _ method: MatchMethod, ignoringCase: Bool, words: [Word], _ problems: inout [ConfigProblem]
    ) -> Int {
        let ignoresCase = ignoringCase && method.looksAtCase
        if let made = unsafe indexes.firstIndex(where: {
            unsafe $0.pointee.method == method && $0.pointee.ignoresCase == ignoresCase
        }) {
            return made
        }
        var index = PatternIndex(method, ignoringCase: ignoringCase)
        var found = 0
        for slot in unsafe store.pointee.slots where found < PatternLines.problemsMax {
            do throws(ConfigProblem) {
                unsafe try index.insert(slot, store.pointee, at: words.isEmpty ? origin(slot) : words[Int(slot)].range)
            } catch {
                problems.append(error)
                found += 1
            }
        }
        index.finish()
        let made = UnsafeMutablePointer<PatternIndex>.allocate(capacity: 1)
        unsafe made.initialize(to: index)
        unsafe indexes.append(made)
        return unsafe indexes.count - 1
    }

    /// Refuses values that are not of a type.
    func requireValues(_ type: MapValue, _ problems: inout [ConfigProblem]) {
        guard type.isChecked, !valueTypes.contains(type) else { return }
        valueTypes.append(type)
        var found = 0
        for slot in unsafe store.pointee.slots where found < PatternLines.problemsMax {
            let value = unsafe store.pointee.value(slot)
            if type.accepts(value) { continue }
            found += 1
            problems.append(
                ConfigProblem(
                    "the value '\(value.text)' is not \(type == .integer ? "a whole number" : "an address")",
                    at: origin(slot)))
        }
    }

    private func origin(_ slot: Int32) -> SourceRange {
        guard Int(slot) < origins.count else { return SourceRange(file: name, line: 0) }
        let origin = origins[Int(slot)]
        let length = unsafe max(1, store.pointee.key(slot).text.count)
        return SourceRange(file: name, line: Int(origin.line), column: Int(origin.column), length: length)
    }
}

/// Changes while workers read. Each is one step for all of them.
extension PatternSet {
    /// Whether anything was changed at run time.
    var isEdited: Bool { unsafe reading { _ in wasEdited } }

    /// How many entries there are.
    public var count: Int { unsafe reading { unsafe $0.pointee.count } }

    /// Gives an entry of this key another value, or adds one: `set-map`. False if the key or the value is none for those
    /// who use the set, or if it is full.
    @discardableResult
    public func set(_ key: RawSpan, _ value: RawSpan) -> Bool {
        for type in valueTypes where !type.accepts(value) { return false }
        return changing {
            let found = slot(key)
            guard found >= 0 else { return insert(key, value) }
            guard unsafe store.pointee.textBytes + value.byteCount <= Self.textBytesMax else { return false }
            unsafe store.pointee.setValue(found, value)
            return true
        }
    }

    /// Adds a key unless it is there: `add-acl`.
    @discardableResult
    public func add(_ key: RawSpan) -> Bool {
        changing { slot(key) >= 0 || insert(key, RawSpan()) }
    }

    /// Takes all entries of a key away: `del-map`, `del-acl`. False if there is none.
    @discardableResult
    public func remove(_ key: RawSpan) -> Bool {
        changing {
            var found = slot(key)
            let isThere = found >= 0
            while found >= 0 {
                remove(found)
                found = slot(key)
            }
            return isThere
        }
    }

    /// Takes all entries away.
    public func removeAll() {
        changing {
            for slot in unsafe store.pointee.slots { remove(slot) }
            unsafe store.pointee.removeAll()
        }
    }

    /// Returns up to `count` entries in file order, from the `first` on. Large sets are read in parts, so that a writer does not
    /// wait for the whole.
    public func entries(
        from first: Int, count: Int
    ) -> [(key: [UInt8], value: [UInt8])] {
        unsafe reading { store in
            unsafe store.pointee.slots.dropFirst(first).prefix(count).map { slot in
                unsafe (store.pointee.key(slot).array, store.pointee.value(slot).array)
            }
        }
    }

    /// The entry of a key, by its text; -1 if there is none.
    private func slot(_ key: RawSpan) -> Int32 {
        // Made by `becomeChangeable`, and so the first.
        unsafe indexes[0].pointee.find(key, store.pointee)
    }

    private func insert(_ key: RawSpan, _ value: RawSpan) -> Bool {
        guard
            unsafe store.pointee.count < Self.entriesMax
                && store.pointee.textBytes + key.byteCount + value.byteCount <= Self.textBytesMax
        else { return false }
        let slot = unsafe store.pointee.add(key, value)
        for i in unsafe indexes.indices {
            do throws(ConfigProblem) {
                unsafe try indexes[i].pointee.insert(slot, store.pointee, at: SourceRange(file: name, line: 0))
                unsafe indexes[i].pointee.finish()
            } catch {
                // A key that one of the users cannot read is for none of them.
                remove(slot, fromFirst: i)
                return false
            }
        }
        return true
    }

    private func remove(_ slot: Int32) { remove(slot, fromFirst: unsafe indexes.count) }

    private func remove(_ slot: Int32, fromFirst count: Int) {
        for i in 0..<count {
            unsafe indexes[i].pointee.remove(slot, store.pointee)
            unsafe indexes[i].pointee.finish()
        }
        unsafe store.pointee.remove(slot)
    }

    private func reading<R>(_ body: (UnsafeMutablePointer<PatternStore>) -> R) -> R {
        guard let lock = unsafe lock else { return unsafe body(store) }
        let lane = unsafe lock.pointee.beginReading()
        defer { unsafe lock.pointee.endReading(lane) }
        return unsafe body(store)
    }

    @discardableResult
    private func changing<R>(_ body: () -> R) -> R {
        guard let lock = unsafe lock else { preconditionFailure("pattern set '\(name)' cannot be changed") }
        return unsafe lock.pointee.withoutReaders {
            wasEdited = true
            return body()
        }
    }
}

extension RawSpan {
    fileprivate var array: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
