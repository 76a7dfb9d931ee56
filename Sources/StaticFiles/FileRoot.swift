// Resolves a request's path to an open file or to the reason why there is none.
//
// Guarantees: no file outside the directory is opened, which the kernel enforces (openat2 with RESOLVE_BENEATH, Linux
// 5.6); no file or directory whose name begins with a dot is served, not even through a link; only regular files are
// served; calls do not wait for peers. Not done here: sending the content, ranges, and the handling of misses.

public import Basics
public import HTTP

/// A directory whose files are served.
public final class FileRoot: Sendable {
    public let directory: FileDirectory
    /// The names that are tried in order when a path ends with a slash.
    public let indexNames: [String]
    /// The prefix that is removed from paths that start with it, without leading and trailing slashes: `static/v1`.
    public let strippedPrefix: [UInt8]

    /// `strippedPrefix` may have leading and trailing slashes.
    public init(directory: FileDirectory, indexNames: [String] = ["index.html"], strippedPrefix: String = "") {
        self.directory = directory
        self.indexNames = indexNames
        self.strippedPrefix = Array(strippedPrefix.utf8.split(separator: 0x2F).joined(separator: [0x2F]))
    }

    /// Returns the response to one request, with a look-up in the file system.
    ///
    /// `path` is as received: percent-encoded, without the query. The preconditions in the request's `fields` are
    /// evaluated (RFC 9110 section 13). `now` is the upper bound for Last-Modified.
    public func answer(method: Method, path: RawSpan, fields: borrowing HeaderFields, now: WallTime) -> FileAnswer {
        guard method == .get || method == .head else { return .methodNotAllowed }
        switch FilePath.parse(path, strippedPrefix: strippedPrefix) {
        case .path(var file): return answer(lookUp(&file, now: now), at: file, fields)
        case .malformed: return .badPath
        case .hidden, .tooLong: return .notFound
        }
    }

    /// The same with files that a worker keeps open. `instant` is the beginning of the worker's turn.
    public func answer(
        method: Method, path: RawSpan, fields: borrowing HeaderFields, now: WallTime, at instant: Instant,
        keptIn cache: inout FileCache
    ) -> FileAnswer {
        guard method == .get || method == .head else { return .methodNotAllowed }
        switch FilePath.parse(path, strippedPrefix: strippedPrefix, reusing: cache.takeStorage()) {
        case .path(var file):
            let key = FileCache.key(of: file, in: self)
            let found: Found
            if let kept = cache.file(key, file, at: instant) {
                found = .file(kept)
            } else {
                found = lookUp(&file, now: now, at: instant, key, &cache)
            }
            let answer = answer(found, at: file, fields)
            cache.giveBack(file.takeStorage())
            return answer
        case .malformed: return .badPath
        case .hidden, .tooLong: return .notFound
        }
    }

    private enum Found {
        case file(OpenFile)
        case directory
        case refused(FileAnswer)
    }

    private func answer(_ found: Found, at path: borrowing FilePath, _ fields: borrowing HeaderFields) -> FileAnswer {
        switch found {
        case .file(let found):
            // Preconditions apply only to a request whose response would be 200 (RFC 9110 section 13.2.1).
            guard Preconditions.arePresent(in: fields) else { return .file(found) }
            switch Preconditions.evaluate(fields, for: found.metadata) {
            case .hold: return .file(found)
            case .notModified: return .notModified(found.metadata)
            case .failed: return .preconditionFailed
            }
        case .directory: return .movedToDirectory(path.encodedDirectory)
        case .refused(let answer): return answer
        }
    }

    /// Looks a path up that the cache does not have, or no longer. Files that are kept open make room where descriptors run out.
    private func lookUp(
        _ path: inout FilePath, now: WallTime, at instant: Instant, _ key: FileCache.Key, _ cache: inout FileCache
    ) -> Found {
        let isKept = cache.wants(key, path, at: instant)
        let contentMax = isKept ? cache.limits.contentBytes : 0
        cache.counts.lookUps += 1
        var found = lookUp(&path, now: now, contentMax: contentMax)
        if case .refused(.unavailable) = found, cache.removeAll() > 0 {
            found = lookUp(&path, now: now, contentMax: contentMax)
        }
        guard isKept else { return found }
        if case .file(let file) = found {
            cache.keep(file, key, path, at: instant)
        } else {
            cache.forget(key, path)
        }
        return found
    }

    private func lookUp(_ path: inout FilePath, now: WallTime, contentMax: Int = 0) -> Found {
        path.endsInSlash
            ? openIndex(of: &path, now: now, contentMax: contentMax) : open(path, now: now, contentMax: contentMax)
    }

    private func open(_ path: borrowing FilePath, now: WallTime, contentMax: Int) -> Found {
        switch directory.open(path) {
        case .failed(let cause): return .refused(FileAnswer(cause))
        case .descriptor(let descriptor):
            switch OpenFile.adopt(descriptor, name: path.lastSegment, now: now, contentMax: contentMax) {
            case .file(let file): return .file(file)
            case .directory: return .directory
            // FIFOs, sockets and devices are treated as absent.
            case .other: return .refused(.notFound)
            case .failed(let cause): return .refused(FileAnswer(cause))
            }
        }
    }

    /// Opens the first index name that is a file. If there is none, the result is 403 if the directory exists.
    private func openIndex(of path: inout FilePath, now: WallTime, contentMax: Int) -> Found {
        for name in indexNames {
            let mark = path.push(name)
            defer { path.pop(to: mark) }
            switch open(path, now: now, contentMax: contentMax) {
            case .file(let file): return .file(file)
            case .directory, .refused(.notFound): continue
            case .refused(let answer): return .refused(answer)
            }
        }
        switch open(path, now: now, contentMax: 0) {
        case .directory, .refused(.forbidden): return .refused(.forbidden)
        case .file: return .refused(.notFound)
        case .refused(let answer): return .refused(answer)
        }
    }
}
