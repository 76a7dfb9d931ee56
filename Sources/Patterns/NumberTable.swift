// Numbers and ranges of numbers: the oldest entry that a number is in.

struct NumberTable: Sendable {
    private struct Item: Sendable {
        let range: ClosedRange<Int>
        let entry: Int32
    }

    private var singles = NetworkTable<UInt64>()
    /// In file order.
    private var ranges: [Item] = []
    /// The line of numbers cut into pieces: where each begins, in order, and the entry it belongs to; -1 if it belongs to none.
    private var starts: [Int] = []
    private var owners: [Int32] = []

    var memory: Int { singles.memory + ranges.capacity * MemoryLayout<Item>.stride + starts.capacity * 12 }

    /// Adds a range; false if the same single number is there already.
    mutating func insert(_ range: ClosedRange<Int>, _ entry: Int32) -> Bool {
        if range.isSingle { return singles.insert(Self.word(range.lowerBound), 64, entry) }
        ranges.append(Item(range: range, entry: entry))
        return true
    }

    /// Takes it away; false if it stands there for another entry.
    mutating func remove(_ range: ClosedRange<Int>, _ entry: Int32) -> Bool {
        if range.isSingle { return singles.remove(Self.word(range.lowerBound), 64, entry) }
        ranges.removeAll { $0.entry == entry }
        return true
    }

    /// Whether the range leads to this entry.
    func contains(_ range: ClosedRange<Int>, _ entry: Int32) -> Bool {
        range.isSingle
            ? singles.contains(Self.word(range.lowerBound), 64, entry) : ranges.contains { $0.entry == entry }
    }

    /// Call after changes.
    mutating func finish() {
        guard !ranges.isEmpty else {
            starts = []
            owners = []
            return
        }
        var cuts = Set([Int.min])
        for item in ranges {
            cuts.insert(item.range.lowerBound)
            if item.range.upperBound < .max { cuts.insert(item.range.upperBound + 1) }
        }
        starts = cuts.sorted()
        owners = [Int32](repeating: -1, count: starts.count)
        /// The next piece at or behind each that has no owner yet.
        var next = Array(0...starts.count)
        func open(_ piece: Int) -> Int {
            var last = piece
            while next[last] != last { last = next[last] }
            var i = piece
            while next[i] != last { (i, next[i]) = (next[i], last) }
            return last
        }
        // The oldest entry gets the numbers that no earlier one covers.
        for item in ranges {
            var piece = open(position(of: item.range.lowerBound))
            while piece < starts.count, starts[piece] <= item.range.upperBound {
                owners[piece] = item.entry
                next[piece] = piece + 1
                piece = open(piece + 1)
            }
        }
    }

    /// -1 if there is none.
    func find(_ number: Int, _ store: borrowing PatternStore) -> Int32 {
        let single = singles.find(Self.word(number))
        if starts.isEmpty { return single }
        let owner = owners[position(of: number)]
        if single < 0 || owner < 0 { return max(single, owner) }
        return store.order(single) < store.order(owner) ? single : owner
    }

    /// The piece that a number is in.
    private func position(of number: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= number { low = middle } else { high = middle }
        }
        return low
    }

    private static func word(_ number: Int) -> UInt64 { UInt64(bitPattern: Int64(number)) }
}

extension ClosedRange<Int> {
    fileprivate var isSingle: Bool { lowerBound == upperBound }
}
