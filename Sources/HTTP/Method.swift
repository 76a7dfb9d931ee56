// Request methods (RFC 9110 section 9). Methods are case-sensitive tokens; unknown ones are `.other` and are forwarded
// unchanged.

internal import Basics

/// A request method that Portico recognises, or `.other`.
public enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, connect, trace, patch, other

    /// The method's name; empty for `.other`, whose name the `RequestHead` stores.
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

    /// The known method with this name, or `.other`.
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

    /// Whether repeating the request has the same effect as sending it once (RFC 9110 section 9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }
}

/// The versions of HTTP. Any 1.x with x above 0 is treated as 1.1 (RFC 9112 section 2.3).
public enum HTTPVersion: Sendable, Equatable {
    case http10, http11, http2

    /// The version as a request line has it, also for HTTP/2, whose messages do not write it.
    public var name: StaticString {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }

    /// The part of `name` after its slash.
    public var number: StaticString {
        switch self {
        case .http10: "1.0"
        case .http11: "1.1"
        case .http2: "2.0"
        }
    }
}
