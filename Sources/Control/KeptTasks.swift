// Tasks that go on from one plan to the next if both want them: the check of a server, the look-up of a name, a runtime socket.

/// Tasks by what each is for. Their order is that in which they were wanted last, and does not vary from run to run.
struct KeptTasks<Key: Hashable, Task> {
    private var tasks: [Key: Task] = [:]
    /// What there are tasks for.
    private(set) var keys: [Key] = []

    /// What a task that is missing is begun with.
    struct Missing {
        let key: Key
        /// Its place among those that are missing, and how many these are: so that their first turns can be spread over time.
        let position: Int
        let count: Int
    }

    subscript(key: Key) -> Task? { tasks[key] }

    var all: [Task] { keys.compactMap { tasks[$0] } }

    /// Ends the tasks that are not wanted any more, and then begins those that are missing. The others go on.
    ///
    /// - Parameters:
    ///   - wanted: what is wanted. One that is there twice counts once.
    ///   - end: ends a task.
    ///   - begin: begins one; nil if it cannot be.
    mutating func follow(_ wanted: [Key], end: (Task) -> Void, begin: (Missing) -> Task?) {
        var seen: Set<Key> = []
        let wanted = wanted.filter { seen.insert($0).inserted }
        for key in keys where !seen.contains(key) {
            if let task = tasks.removeValue(forKey: key) { end(task) }
        }
        let missing = wanted.filter { tasks[$0] == nil }
        for (position, key) in missing.enumerated() {
            tasks[key] = begin(Missing(key: key, position: position, count: missing.count))
        }
        keys = wanted.filter { tasks[$0] != nil }
    }

    /// Ends all of them.
    mutating func endAll(_ end: (Task) -> Void) { follow([], end: end) { _ in nil } }
}
