// The files that one worker keeps open because they are requested often, with the bytes of the small ones.
//
// Guarantees: the number of descriptors and of bytes is bounded. An entry is used for at most a second; then the path is looked up
// as without a cache, so that whatever decides whether a file is served (links, permissions, renamed folders) is seen within
// that second. Changes of the file itself are seen in the worker's next turn. Only a second request within a few seconds makes an entry,
// so that a client which requests many files once evicts none. Refusals, directories and missing files are not kept.
//
// A value in its worker, without locks. Looking a file up and opening it is `FileRoot`'s.

public import Basics

/// Open files by root and path, the least recently used of which goes first.
public struct FileCache: ~Copyable {
    /// The bounds of one cache.
    public struct Limits: Sendable {
        /// Files kept open, each with a descriptor: more than the hot files of most sites, few beside a worker's connections.
        public var files = 1_024
        /// Bytes of contents and paths.
        public var bytes = 8 << 20
        /// The size up to which a file's bytes are kept; a larger one is sent from its descriptor. Copying 16 KiB costs less than a
        /// second system call, and head and content fit into one buffer of the default size.
        public var contentBytes = 15 << 10
        /// How long an entry is used before its path is looked up again.
        public var lookUpInterval = TimeSpan.seconds(1)
        /// A second request within this time makes an entry.
        public var secondUse = TimeSpan.seconds(10)
        /// An entry that was not used for so long is dropped.
        public var idleTime = TimeSpan.seconds(60)

        public init() {}
    }

    /// What the cache has done so far.
    public struct Counts: Equatable, Sendable {
        /// Requests answered without a look-up.
        public var hits = 0
        /// Look-ups of a path in the file system.
        public var lookUps = 0
    }

    public let limits: Limits
    public internal(set) var counts = Counts()
    /// The bytes of contents and paths that are kept now.
    public private(set) var bytes = 0
    /// The number of files that are kept open.
    public var count: Int { indices.count }

    /// The key of a request, computed once.
    struct Key {
        let root: FileRoot
        let hash: Int
    }

    private struct Entry {
        let hash: Int
        let root: FileRoot
        var path: [UInt8]
        let endsInSlash: Bool
        /// Nil in a free place.
        var file: OpenFile?
        /// When the path was looked up, when the file was last found unchanged, when it was last requested.
        var lookedUp: Instant
        var checked: Instant
        var used: Instant
        /// The neighbours in the order of use, or `none`.
        var newer = FileCache.none
        var older = FileCache.none

        var bytes: Int { path.count + (file?.content?.count ?? 0) }
    }

    private struct FirstUse {
        var hash = 0
        var at: Instant?
    }

    /// Entries by the hash of their key. Hashes are seeded; of two keys with one hash, the later one replaces the earlier one.
    private var indices: [Int: Int] = [:]
    private var entries: [Entry] = []
    private var free: [Int] = []
    private var newest = Self.none
    private var oldest = Self.none
    /// First requests, each in the place that its hash names, where a later one replaces it.
    private var firstUses: [FirstUse] = []
    /// The memory of the path that is being looked up.
    private var storage: [UInt8] = []

    private static let none = -1
    private static let firstUsesKept = 2_048

    public init(_ limits: Limits = Limits()) { self.limits = limits }

    // MARK: Finding

    /// Memory for the path of a request; `giveBack` returns it.
    mutating func takeStorage() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &storage)
        return taken
    }

    mutating func giveBack(_ memory: consuming [UInt8]) { storage = memory }

    static func key(of path: borrowing FilePath, in root: FileRoot) -> Key {
        var hasher = Hasher()
        hasher.combine(ObjectIdentifier(root))
        hasher.combine(path.endsInSlash)
        path.combine(into: &hasher)
        return Key(root: root, hash: hasher.finalize())
    }

    /// The file kept for a path; nil if there is none, or the path has to be looked up again.
    mutating func file(_ key: Key, _ path: borrowing FilePath, at now: Instant) -> OpenFile? {
        guard let index = index(of: key, path), now.since(entries[index].lookedUp) < limits.lookUpInterval,
            let file = entries[index].file
        else { return nil }
        if entries[index].checked != now {
            guard file.isUnchanged else { return nil }
            entries[index].checked = now
        }
        entries[index].used = now
        moveToFront(index)
        counts.hits += 1
        return file
    }

    /// Whether the file of a path that has to be looked up is to be kept: it was kept before, or is requested again.
    mutating func wants(_ key: Key, _ path: borrowing FilePath, at now: Instant) -> Bool {
        if index(of: key, path) != nil { return true }
        if firstUses.isEmpty { firstUses = [FirstUse](repeating: FirstUse(), count: Self.firstUsesKept) }
        let place = key.hash & (Self.firstUsesKept - 1)
        if firstUses[place].hash == key.hash, let first = firstUses[place].at, now.since(first) <= limits.secondUse {
            firstUses[place].at = nil
            return true
        }
        firstUses[place] = FirstUse(hash: key.hash, at: now)
        return false
    }

    private func index(of key: Key, _ path: borrowing FilePath) -> Int? {
        guard let index = indices[key.hash], entries[index].root === key.root,
            entries[index].endsInSlash == path.endsInSlash, path.isSame(as: entries[index].path)
        else { return nil }
        return index
    }

    // MARK: Keeping and dropping

    /// Keeps a file that was just looked up, in place of an earlier one.
    mutating func keep(_ file: OpenFile, _ key: Key, _ path: borrowing FilePath, at now: Instant) {
        if let index = indices[key.hash] { remove(index) }
        removeIdle(at: now)
        let entry = Entry(
            hash: key.hash, root: key.root, path: path.copy, endsInSlash: path.endsInSlash, file: file, lookedUp: now,
            checked: now, used: now)
        guard limits.files > 0, entry.bytes <= limits.bytes else { return }
        while oldest != Self.none, count >= limits.files || bytes + entry.bytes > limits.bytes { remove(oldest) }
        let index = free.popLast() ?? entries.count
        bytes += entry.bytes
        if index == entries.count { entries.append(entry) } else { entries[index] = entry }
        indices[key.hash] = index
        putInFront(index)
    }

    /// There is no file at the path any more.
    mutating func forget(_ key: Key, _ path: borrowing FilePath) {
        if let index = index(of: key, path) { remove(index) }
    }

    /// Closes the file that was not used for the longest time; false if none is kept. Its descriptor is free once no response uses it.
    public mutating func removeOldest() -> Bool {
        guard oldest != Self.none else { return false }
        remove(oldest)
        return true
    }

    /// Closes the files that were not used for the idle time.
    public mutating func removeIdle(at now: Instant) {
        while oldest != Self.none, now.since(entries[oldest].used) > limits.idleTime { remove(oldest) }
    }

    /// Closes all files and returns their number.
    @discardableResult
    public mutating func removeAll() -> Int {
        let closed = count
        indices = [:]
        entries = []
        free = []
        firstUses = []
        storage = []
        newest = Self.none
        oldest = Self.none
        bytes = 0
        return closed
    }

    private mutating func remove(_ index: Int) {
        precondition(entries[index].file != nil, "no file is kept at \(index)")
        unlink(index)
        indices[entries[index].hash] = nil
        bytes -= entries[index].bytes
        entries[index].file = nil
        entries[index].path = []
        free.append(index)
    }

    // MARK: The order of use

    private mutating func moveToFront(_ index: Int) {
        guard newest != index else { return }
        unlink(index)
        putInFront(index)
    }

    private mutating func putInFront(_ index: Int) {
        entries[index].older = newest
        entries[index].newer = Self.none
        if newest != Self.none { entries[newest].newer = index } else { oldest = index }
        newest = index
    }

    private mutating func unlink(_ index: Int) {
        let (newer, older) = (entries[index].newer, entries[index].older)
        if newer != Self.none { entries[newer].older = older } else { newest = older }
        if older != Self.none { entries[older].newer = newer } else { oldest = newer }
    }
}
