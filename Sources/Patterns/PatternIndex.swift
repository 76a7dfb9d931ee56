// One way to find the entries of a set: how values are compared with their keys (manual, section 7.1).
//
// Whole texts, beginnings and ends, numbers and networks are found without a look at each entry; what may be anywhere in
// a value, and regular expressions, are tried one after the other, the oldest first.

internal import Basics
internal import Configuration

struct PatternIndex: ~Copyable {
    let method: MatchMethod
    let ignoresCase: Bool
    private var texts: TextTable
    private var numbers = NumberTable()
    private var v4 = NetworkTable<UInt32>()
    private var v6 = NetworkTable<UInt128>()
    /// In file order.
    private var scanned: [Scanned] = []
    /// Entries whose key an older entry has as well: look-ups find the older one.
    private var hidden = 0

    private struct Scanned {
        let entry: Int32
        /// What of the key is compared.
        let start: Int32
        let count: Int32
        let expression: RegularExpressionOwner?
    }

    init(_ method: MatchMethod, ignoringCase: Bool) {
        self.method = method
        self.ignoresCase = ignoringCase && method.looksAtCase
        let part: TextTable.Part =
            switch method {
            case .beg: .beginning
            case .end: .end
            default: .whole
            }
        texts = TextTable(part, method == .bin ? .hexadecimal : ignoresCase ? .ignoringCase : .plain)
    }

    var memory: Int {
        texts.memory + numbers.memory + v4.memory + v6.memory + scanned.capacity * MemoryLayout<Scanned>.stride
    }

    /// Adds an entry. Throws what is wrong with its key, located at `place`.
    mutating func insert(
        _ entry: Int32, _ store: borrowing PatternStore, at place: SourceRange
    ) throws(ConfigProblem) {
        let isNew: Bool
        switch method {
        case .str, .beg, .end: isNew = texts.insert(entry, store)
        case .bin:
            try Self.checkHexadecimal(store.key(entry), place)
            isNew = texts.insert(entry, store)
        case .int, .len:
            guard let range = try IntegerPatterns.range(of: store.key(entry), place) else { return }
            isNew = numbers.insert(range, entry)
        case .ip:
            switch try NetworkPatterns.network(store.key(entry), place) {
            case .v4(let word, let length): isNew = v4.insert(word, length, entry)
            case .v6(let word, let length): isNew = v6.insert(word, length, entry)
            }
        case .sub, .dir, .dom, .reg:
            scanned.append(try scannable(entry, store.key(entry), place))
            isNew = true
        case .found, .bool: preconditionFailure("'\(method)' compares with nothing")
        }
        if !isNew { hidden += 1 }
    }

    /// Takes an entry away, before it leaves the store. `others` are all entries in use.
    mutating func remove(_ entry: Int32, _ store: borrowing PatternStore) {
        // The key was accepted once.
        let place = SourceRange(file: "", line: 0)
        let wasFound: Bool
        do throws(ConfigProblem) {
            switch method {
            case .str, .beg, .end, .bin: wasFound = texts.remove(entry, store)
            case .int, .len:
                guard let range = try IntegerPatterns.range(of: store.key(entry), place) else { return }
                wasFound = numbers.remove(range, entry)
            case .ip:
                switch try NetworkPatterns.network(store.key(entry), place) {
                case .v4(let word, let length): wasFound = v4.remove(word, length, entry)
                case .v6(let word, let length): wasFound = v6.remove(word, length, entry)
                }
            case .sub, .dir, .dom, .reg:
                scanned.removeAll { $0.entry == entry }
                return
            case .found, .bool: return
            }
        } catch {
            return
        }
        guard wasFound else {
            hidden -= 1
            return
        }
        if hidden > 0 { uncover(behind: entry, store) }
    }

    /// Call after changes and before the next look-up.
    mutating func finish() { numbers.finish() }

    /// Makes an entry findable that has the same key as the removed entry, and was hidden by it.
    private mutating func uncover(behind gone: Int32, _ store: borrowing PatternStore) {
        hidden = 0
        let place = SourceRange(file: "", line: 0)
        for slot in store.slots where slot != gone {
            // Those that are found already count as hidden by themselves; they are not.
            let isFound = finds(slot, store)
            do throws(ConfigProblem) {
                if !isFound { try insert(slot, store, at: place) }
            } catch {
                preconditionFailure("a pattern was good before: \(error.message)")
            }
        }
    }

    /// Whether the entry itself is what its key leads to.
    private func finds(_ entry: Int32, _ store: borrowing PatternStore) -> Bool {
        let place = SourceRange(file: "", line: 0)
        do throws(ConfigProblem) {
            switch method {
            case .str, .beg, .end, .bin: return texts.contains(entry, store)
            case .int, .len:
                guard let range = try IntegerPatterns.range(of: store.key(entry), place) else { return true }
                return numbers.contains(range, entry)
            case .ip:
                switch try NetworkPatterns.network(store.key(entry), place) {
                case .v4(let word, let length): return v4.contains(word, length, entry)
                case .v6(let word, let length): return v6.contains(word, length, entry)
                }
            case .sub, .dir, .dom, .reg, .found, .bool: return true
            }
        } catch {
            return true
        }
    }

    private func scannable(
        _ entry: Int32, _ key: RawSpan, _ place: SourceRange
    ) throws(ConfigProblem) -> Scanned {
        guard let comparison = method.comparison else {
            let pattern = unsafe key.withUnsafeBytes { unsafe Array($0) }
            do throws(RegularExpression.Fault) {
                let owner = try RegularExpressionOwner(pattern, ignoringCase: ignoresCase)
                return Scanned(entry: entry, start: 0, count: Int32(key.byteCount), expression: owner)
            } catch {
                var range = place
                range.column += String(verbatim: pattern[..<error.offset]).count
                range.length = 1
                throw ConfigProblem("the regular expression does not compile: \(error.text)", at: range)
            }
        }
        let part = StringPatterns.part(of: key, comparedAs: comparison)
        return Scanned(entry: entry, start: Int32(part.lowerBound), count: Int32(part.count), expression: nil)
    }

    private static func checkHexadecimal(_ key: RawSpan, _ place: SourceRange) throws(ConfigProblem) {
        for i in 0..<key.byteCount where !(key[i] &- 0x30 < 10 || (key[i] | 0x20) &- 0x61 < 6) {
            throw ConfigProblem("'\(key.text)' is not hexadecimal", at: place, expected: "two digits for each byte")
        }
        guard key.byteCount % 2 == 0 else {
            throw ConfigProblem(
                "'\(key.text)' has an odd number of digits", at: place, expected: "two digits for each byte")
        }
    }
}

/// Looking up: the entry's slot, or -1.
extension PatternIndex {
    func find(_ text: RawSpan, _ store: borrowing PatternStore) -> Int32 {
        guard let comparison = method.scannedComparison else { return texts.find(text, store) }
        for i in scanned.indices {
            let item = scanned[i]
            let start = Int(item.start)
            let pattern = store.key(item.entry).extracting(start..<start + Int(item.count))
            if StringPatterns.matches(text, pattern, comparison, ignoringCase: ignoresCase) { return item.entry }
        }
        return -1
    }

    /// By regular expressions.
    func find(_ text: RawSpan, _ matcher: RegularMatcher) -> Int32 {
        for i in scanned.indices {
            if let expression = scanned[i].expression?.expression, matcher.finds(expression, in: text) {
                return scanned[i].entry
            }
        }
        return -1
    }

    func find(_ number: Int, _ store: borrowing PatternStore) -> Int32 { numbers.find(number, store) }

    /// An address of the other version is looked for as what it stands for there, if it is not found in its own.
    func find(_ address: IPAddress) -> Int32 {
        switch address {
        case .v4(let word):
            let found = v4.find(word)
            return found >= 0 ? found : v6.find(0xFFFF_0000_0000 | UInt128(word))
        case .v6(let high, let low):
            let found = v6.find(UInt128(high) << 64 | UInt128(low))
            if found >= 0 { return found }
            return NetworkPatterns.v4(within: high, low).map { v4.find($0) } ?? -1
        }
    }
}

extension MatchMethod {
    /// Whether `-i` changes anything.
    var looksAtCase: Bool {
        switch self {
        case .str, .beg, .end, .sub, .dir, .dom, .reg: true
        case .found, .bool, .int, .ip, .bin, .len: false
        }
    }

    /// How texts are compared that are tried one after the other.
    fileprivate var scannedComparison: StringPatterns.Comparison? {
        switch self {
        case .sub, .dir, .dom: comparison
        default: nil
        }
    }
}
