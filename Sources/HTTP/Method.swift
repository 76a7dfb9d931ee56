// Request methods (RFC 9110 section 9). Methods are case-sensitive tokens; those Portico does not know
// pass through under their own name as `.other`.

internal import Basics

/// A request method that Portico recognises, or `.other`.
public enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, connect, trace, patch, other

    /// The name on the wire; empty for `.other`, whose name is in its `RequestHead`.
    public var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other: ""
        }
    }

    /// The method of exactly this name, `.other` if none is known by it.
    public init(name: RawSpan) {
        switch name.byteCount {
        case 3: self = name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
        case 4: self = name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
        case 5: self = name.equals("PATCH") ? .patch : name.equals("TRACE") ? .trace : .other
        case 6: self = name.equals("DELETE") ? .delete : .other
        case 7: self = name.equals("OPTIONS") ? .options : name.equals("CONNECT") ? .connect : .other
        default: self = .other
        }
    }

    /// Whether a second sending of the request does no more than the first (RFC 9110 section 9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }
}

/// The versions of HTTP/1: any 1.x with x above 0 counts as 1.1 (RFC 9112 section 2.3).
public enum HTTPVersion: Sendable, Equatable {
    case http10, http11
}
