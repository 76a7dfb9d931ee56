// The answers a request for a file can get, as statuses, fields and bodies.

internal import Basics
internal import CLinux
internal import Glibc
public import HTTP

/// What a request for a file comes to.
public enum FileAnswer: Sendable {
    /// 200. GET sends `size` bytes of the file, HEAD only the head that says so.
    case file(OpenFile)
    /// 304: the client's copy is still good.
    case notModified(FileMetadata)
    /// 412: the client wants an answer about a state of the file that it is not in (RFC 9110 section 13.1).
    case preconditionFailed
    /// 301: a directory, asked for without its slash. The new path, percent-encoded, without query.
    case movedToDirectory([UInt8])
    /// 400: a bad escape, NUL, `..` or an encoded slash in the path.
    case badPath
    /// 403: the file may not be read, or the directory has no index.
    case forbidden
    /// 404: no such file, or none that may be known.
    case notFound
    /// 405: neither GET nor HEAD.
    case methodNotAllowed
    /// 500: the file system failed.
    case failed
    /// 503: no descriptor or memory left.
    case unavailable

    public var status: Int {
        switch self {
        case .file: 200
        case .notModified: 304
        case .movedToDirectory: 301
        case .badPath: 400
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .preconditionFailed: 412
        case .failed: 500
        case .unavailable: 503
        }
    }

    /// Whether the directory has nothing to say to this request, so that with `files-miss servers` a server should.
    public var isMiss: Bool {
        switch self {
        case .forbidden, .notFound, .methodNotAllowed: true
        case .file, .notModified, .preconditionFailed, .movedToDirectory, .badPath, .failed, .unavailable: false
        }
    }

    /// Appends the fields that tell about the file or the refusal. Content-Length is framing and not among them.
    ///
    /// `query` is the request's, without `?`: a redirect keeps it.
    public func appendFields(to fields: inout HeaderFields, query: RawSpan = RawSpan()) {
        switch self {
        case .file(let file):
            fields.append(.contentType, file.metadata.contentType)
            Self.appendValidators(of: file.metadata, to: &fields)
        case .notModified(let metadata): Self.appendValidators(of: metadata, to: &fields)
        case .movedToDirectory(let path): fields.append(.location, Self.location(path, query: query))
        case .methodNotAllowed: fields.append(.allow, Self.allowedMethods)
        case .preconditionFailed, .badPath, .forbidden, .notFound, .failed, .unavailable: break
        }
    }

    /// The answer to a failed open, by its error number.
    init(_ cause: Int32) {
        switch cause {
        // ELOOP and EXDEV: links that go round or lead outside. ENXIO: a socket.
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, ENODEV, EINVAL: self = .notFound
        case EACCES, EPERM: self = .forbidden
        case EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR: self = .unavailable
        default: self = .failed
        }
    }

    private static let allowedMethods: StaticString = "GET, HEAD"

    private static func appendValidators(of metadata: FileMetadata, to fields: inout HeaderFields) {
        var date: [UInt8] = []
        date.reserveCapacity(32)
        HTTPDate.append(metadata.modified, to: &date)
        fields.append(.lastModified, date)
        fields.append(.etag, metadata.etag)
    }

    private static func location(_ path: [UInt8], query: RawSpan) -> [UInt8] {
        // A query is visible ASCII in any request that was accepted; what is not is better left out than repeated.
        for i in 0..<query.byteCount where query[i] <= 0x20 || query[i] >= 0x7F { return path }
        guard query.byteCount > 0 else { return path }
        var location = path
        location.append(0x3F)
        location.append(query)
        return location
    }
}
