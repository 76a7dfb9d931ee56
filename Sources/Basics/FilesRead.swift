// Which files were read for a configuration: a process that is about to become another user has to know whether that user could read them
// again. Every room that reads such files notes them.

/// Collects the paths of files that are read.
public final class FilesRead: Sendable {
    @TaskLocal private static var current: FilesRead?

    private let noted = Lock<Set<String>>([])

    public init() {}

    /// Collects what `body` reads, beside what was collected before.
    public func collect<R>(_ body: () throws -> R) rethrows -> R {
        try Self.$current.withValue(self, operation: body)
    }

    /// The paths as they were opened.
    public var paths: Set<String> { noted.withLock { $0 } }

    /// Notes that a file is opened for reading, where that is collected.
    public static func note(_ path: String) { current?.noted.withLock { _ = $0.insert(path) } }
}
