// What a request for a file means: from a path as the client wrote it to an open file, or to the reason why not.
//
// Promises: nothing outside the directory is ever opened, because the kernel itself refuses it (openat2 with
// RESOLVE_BENEATH, Linux 5.6); nothing whose name begins with a dot is served, not even through a link; only
// regular files are served; a call never waits for a peer.
// Leaves to others: sending the bytes, ranges, and what a miss leads to.

public import Basics
public import HTTP

/// A directory whose files may be asked for.
public final class FileRoot: Sendable {
    public let directory: FileDirectory
    /// Names tried, in order, when a path ends in a slash.
    public let indexNames: [String]
    /// What is taken off the front of a path before the file is looked up, where it is there: `static/v1`, without
    /// slashes around it.
    public let strippedPrefix: [UInt8]

    /// `strippedPrefix` may be written with slashes around it.
    public init(directory: FileDirectory, indexNames: [String] = ["index.html"], strippedPrefix: String = "") {
        self.directory = directory
        self.indexNames = indexNames
        self.strippedPrefix = Array(strippedPrefix.utf8.split(separator: 0x2F).joined(separator: [0x2F]))
    }

    /// What to answer to one request.
    ///
    /// `path` is as received: percent-encoded, without the query. Of `fields`, the request's, the preconditions are
    /// looked at (RFC 9110 section 13). `now` bounds Last-Modified.
    public func answer(method: Method, path: RawSpan, fields: borrowing HeaderFields, now: WallTime) -> FileAnswer {
        guard method == .get || method == .head else { return .methodNotAllowed }
        var file: FilePath
        switch FilePath.parse(path, strippedPrefix: strippedPrefix) {
        case .path(let parsed): file = parsed
        case .malformed: return .badPath
        case .hidden, .tooLong: return .notFound
        }
        switch file.endsInSlash ? openIndex(of: &file, now: now) : open(file, now: now) {
        case .file(let found):
            // Only here: a request that would not be answered with 200 is answered as if it had no preconditions.
            switch Preconditions.evaluate(fields, for: found.metadata) {
            case .hold: return .file(found)
            case .notModified: return .notModified(found.metadata)
            case .failed: return .preconditionFailed
            }
        case .directory: return .movedToDirectory(file.encodedDirectory)
        case .refused(let answer): return answer
        }
    }

    private enum Found {
        case file(OpenFile)
        case directory
        case refused(FileAnswer)
    }

    private func open(_ path: FilePath, now: WallTime) -> Found {
        switch directory.open(path) {
        case .failed(let cause): return .refused(FileAnswer(cause))
        case .descriptor(let descriptor):
            switch OpenFile.adopt(descriptor, name: path.lastSegment, now: now) {
            case .file(let file): return .file(file)
            case .directory: return .directory
            // Pipes, sockets and devices are as good as absent.
            case .other: return .refused(.notFound)
            case .failed(let cause): return .refused(FileAnswer(cause))
            }
        }
    }

    /// The first index name that is a file; without one, 403 if the directory is there at all.
    private func openIndex(of path: inout FilePath, now: WallTime) -> Found {
        for name in indexNames {
            let mark = path.push(name)
            defer { path.pop(to: mark) }
            switch open(path, now: now) {
            case .file(let file): return .file(file)
            case .directory, .refused(.notFound): continue
            case .refused(let answer): return .refused(answer)
            }
        }
        switch open(path, now: now) {
        case .directory, .refused(.forbidden): return .refused(.forbidden)
        case .file: return .refused(.notFound)
        case .refused(let answer): return .refused(answer)
        }
    }
}
