// The possible outcomes of a request for a file, with their statuses and fields.

internal import Basics
internal import CLinux
internal import Glibc
public import HTTP

/// The outcome of a request for a file.
public enum FileAnswer: Sendable {
    /// 200. The response to GET has `size` bytes of content, that to HEAD only the same head.
    case file(OpenFile)
    /// 304: the client's copy is current.
    case notModified(FileMetadata)
    /// 412: If-Match or If-Unmodified-Since does not hold (RFC 9110 section 13.1).
    case preconditionFailed
    /// 301: a directory requested without its trailing slash. The new path, percent-encoded, without query.
    case movedToDirectory([UInt8])
    /// 400: a malformed escape, NUL, `..` or an encoded slash in the path.
    case badPath
    /// 403: no permission to read the file, or the directory has no index.
    case forbidden
    /// 404: no such file, or a hidden one.
    case notFound
    /// 405: the method is neither GET nor HEAD.
    case methodNotAllowed
    /// 500: an error of the file system.
    case failed
    /// 503: out of descriptors or memory.
    case unavailable

    /// The status of the response.
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

    /// Whether `files-miss servers` sends the request to a server.
    public var isMiss: Bool {
        switch self {
        case .forbidden, .notFound, .methodNotAllowed: true
        case .file, .notModified, .preconditionFailed, .movedToDirectory, .badPath, .failed, .unavailable: false
        }
    }

    /// Appends the response's fields, except Content-Length, which depends on the framing.
    ///
    /// `query` is the request's query without `?`; a redirect keeps it.
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

    /// The outcome of a failed open, by its errno.
    init(_ cause: Int32) {
        switch cause {
        // ELOOP and EXDEV: links that form a loop or lead out of the directory. ENXIO: a socket.
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, ENODEV, EINVAL: self = .notFound
        case EACCES, EPERM: self = .forbidden
        case EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR: self = .unavailable
        default: self = .failed
        }
    }

    private static let allowedMethods: StaticString = "GET, HEAD"

    private static func appendValidators(of metadata: FileMetadata, to fields: inout HeaderFields) {
        fields.append(.lastModified, metadata.lastModified)
        fields.append(.etag, metadata.etag)
    }

    private static func location(_ path: [UInt8], query: RawSpan) -> [UInt8] {
        // The query of an accepted request is visible ASCII, unless `acceptInvalid` tolerated other bytes: then omit
        // it.
        for i in 0..<query.byteCount where query[i] <= 0x20 || query[i] >= 0x7F { return path }
        guard query.byteCount > 0 else { return path }
        var location = path
        location.append(0x3F)
        location.append(query)
        return location
    }
}
