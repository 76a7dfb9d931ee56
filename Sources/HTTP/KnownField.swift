// The header fields that Portico has special handling for, identified once, during parsing.
// All other fields are `.other` and are identified by their name's bytes.

internal import Glibc

/// A header field that Portico recognises, or `.other`.
public enum KnownField: UInt8, Sendable, CaseIterable {
    case other
    case host, connection, keepAlive, proxyConnection, contentLength, transferEncoding, te, trailer, upgrade, expect
    case cookie, setCookie, xForwardedFor, xForwardedProto, xForwardedHost, xForwardedPort, forwarded, xRealIP, via
    case date, server, location, retryAfter, allow, age, expires, cacheControl, pragma, vary, etag, lastModified
    case contentType, contentEncoding, contentLanguage, contentRange, contentDisposition, acceptRanges, range, ifRange
    case ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince
    case accept, acceptEncoding, acceptLanguage, userAgent, referer, origin
    case authorization, wwwAuthenticate, proxyAuthorization, proxyAuthenticate, strictTransportSecurity
    case xAccelBuffering, xRequestID, secWebSocketKey, http2Settings, earlyData

    /// The name in lower case, as written; empty for `.other`.
    public var name: StaticString {
        switch self {
        case .other: ""
        case .host: "host"
        case .connection: "connection"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .te: "te"
        case .trailer: "trailer"
        case .upgrade: "upgrade"
        case .expect: "expect"
        case .cookie: "cookie"
        case .setCookie: "set-cookie"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .forwarded: "forwarded"
        case .xRealIP: "x-real-ip"
        case .via: "via"
        case .date: "date"
        case .server: "server"
        case .location: "location"
        case .retryAfter: "retry-after"
        case .allow: "allow"
        case .age: "age"
        case .expires: "expires"
        case .cacheControl: "cache-control"
        case .pragma: "pragma"
        case .vary: "vary"
        case .etag: "etag"
        case .lastModified: "last-modified"
        case .contentType: "content-type"
        case .contentEncoding: "content-encoding"
        case .contentLanguage: "content-language"
        case .contentRange: "content-range"
        case .contentDisposition: "content-disposition"
        case .acceptRanges: "accept-ranges"
        case .range: "range"
        case .ifRange: "if-range"
        case .ifMatch: "if-match"
        case .ifNoneMatch: "if-none-match"
        case .ifModifiedSince: "if-modified-since"
        case .ifUnmodifiedSince: "if-unmodified-since"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .acceptLanguage: "accept-language"
        case .userAgent: "user-agent"
        case .referer: "referer"
        case .origin: "origin"
        case .authorization: "authorization"
        case .wwwAuthenticate: "www-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyAuthenticate: "proxy-authenticate"
        case .strictTransportSecurity: "strict-transport-security"
        case .xAccelBuffering: "x-accel-buffering"
        case .xRequestID: "x-request-id"
        case .secWebSocketKey: "sec-websocket-key"
        case .http2Settings: "http2-settings"
        case .earlyData: "early-data"
        }
    }

    /// The known field with this lower-case name, or `.other`.
    public init(lowercasedName name: RawSpan) {
        self = unsafe name.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return .other }
            return unsafe KnownField.named(start, count: bytes.count)
        }
    }

    /// One bit for each case, including `.other`: a set of fields fits into a word.
    @inlinable var bit: UInt64 { 1 &<< UInt64(rawValue) }

    /// The known field named by the `count` bytes at `start`, in lower case, or `.other`. Switches on the length first:
    /// it distinguishes most names, and a comparison of constant length takes an instruction or two.
    @unsafe static func named(_ start: UnsafeRawPointer, count: Int) -> KnownField {
        switch count {
        case 2:
            if unsafe same(start, "te") { return .te }
        case 3:
            if unsafe same(start, "via") { return .via }
            if unsafe same(start, "age") { return .age }
        case 4:
            if unsafe same(start, "host") { return .host }
            if unsafe same(start, "date") { return .date }
            if unsafe same(start, "vary") { return .vary }
            if unsafe same(start, "etag") { return .etag }
        case 5:
            if unsafe same(start, "allow") { return .allow }
            if unsafe same(start, "range") { return .range }
        case 6:
            if unsafe same(start, "expect") { return .expect }
            if unsafe same(start, "cookie") { return .cookie }
            if unsafe same(start, "server") { return .server }
            if unsafe same(start, "pragma") { return .pragma }
            if unsafe same(start, "accept") { return .accept }
            if unsafe same(start, "origin") { return .origin }
        case 7:
            if unsafe same(start, "trailer") { return .trailer }
            if unsafe same(start, "upgrade") { return .upgrade }
            if unsafe same(start, "expires") { return .expires }
            if unsafe same(start, "referer") { return .referer }
        case 8:
            if unsafe same(start, "location") { return .location }
            if unsafe same(start, "if-range") { return .ifRange }
            if unsafe same(start, "if-match") { return .ifMatch }
        case 9:
            if unsafe same(start, "forwarded") { return .forwarded }
            if unsafe same(start, "x-real-ip") { return .xRealIP }
        case 10:
            if unsafe same(start, "connection") { return .connection }
            if unsafe same(start, "keep-alive") { return .keepAlive }
            if unsafe same(start, "set-cookie") { return .setCookie }
            if unsafe same(start, "user-agent") { return .userAgent }
            if unsafe same(start, "early-data") { return .earlyData }
        case 11:
            if unsafe same(start, "retry-after") { return .retryAfter }
        case 12:
            if unsafe same(start, "content-type") { return .contentType }
            if unsafe same(start, "x-request-id") { return .xRequestID }
        case 13:
            if unsafe same(start, "cache-control") { return .cacheControl }
            if unsafe same(start, "last-modified") { return .lastModified }
            if unsafe same(start, "content-range") { return .contentRange }
            if unsafe same(start, "accept-ranges") { return .acceptRanges }
            if unsafe same(start, "if-none-match") { return .ifNoneMatch }
            if unsafe same(start, "authorization") { return .authorization }
        case 14:
            if unsafe same(start, "content-length") { return .contentLength }
            if unsafe same(start, "http2-settings") { return .http2Settings }
        case 15:
            if unsafe same(start, "x-forwarded-for") { return .xForwardedFor }
            if unsafe same(start, "accept-encoding") { return .acceptEncoding }
            if unsafe same(start, "accept-language") { return .acceptLanguage }
        case 16:
            if unsafe same(start, "proxy-connection") { return .proxyConnection }
            if unsafe same(start, "x-forwarded-host") { return .xForwardedHost }
            if unsafe same(start, "x-forwarded-port") { return .xForwardedPort }
            if unsafe same(start, "content-encoding") { return .contentEncoding }
            if unsafe same(start, "content-language") { return .contentLanguage }
            if unsafe same(start, "www-authenticate") { return .wwwAuthenticate }
        case 17:
            if unsafe same(start, "transfer-encoding") { return .transferEncoding }
            if unsafe same(start, "x-forwarded-proto") { return .xForwardedProto }
            if unsafe same(start, "if-modified-since") { return .ifModifiedSince }
            if unsafe same(start, "x-accel-buffering") { return .xAccelBuffering }
            if unsafe same(start, "sec-websocket-key") { return .secWebSocketKey }
        case 18:
            if unsafe same(start, "proxy-authenticate") { return .proxyAuthenticate }
        case 19:
            if unsafe same(start, "content-disposition") { return .contentDisposition }
            if unsafe same(start, "if-unmodified-since") { return .ifUnmodifiedSince }
            if unsafe same(start, "proxy-authorization") { return .proxyAuthorization }
        case 25:
            if unsafe same(start, "strict-transport-security") { return .strictTransportSecurity }
        default: break
        }
        return .other
    }
}

/// Whether the bytes at `start` equal `text`. The caller guarantees that there are at least as many.
@inline(__always)
private func same(_ start: UnsafeRawPointer, _ text: StaticString) -> Bool {
    unsafe memcmp(start, text.utf8Start, text.utf8CodeUnitCount) == 0
}
