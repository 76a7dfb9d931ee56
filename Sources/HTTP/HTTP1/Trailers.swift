// Filters trailer fields (RFC 9110 section 6.5). Fields that affect framing, routing, caching, authentication or
// content processing, or that identify the client, are dropped: a server that merges trailers into the head would
// otherwise see values that no rule of this proxy has checked.

internal import Basics

/// The fields of a trailer section.
public enum Trailers {
    /// Appends the end of a chunked body: the last chunk, the fields of `section` that may be forwarded, the empty
    /// line. `section` has been validated by a body decoder and includes its empty line. Its lines may end with CR LF
    /// or LF; the written ones end with CR LF.
    public static func appendLastChunk(with section: [UInt8], to out: inout [UInt8]) {
        out.append(contentsOf: [0x30, 0x0D, 0x0A])
        forEachForwardable(in: section) { name, value in
            out.append(contentsOf: name)
            out.append(contentsOf: [0x3A, 0x20])
            out.append(contentsOf: value)
            out.append(contentsOf: [0x0D, 0x0A])
        }
        out.append(contentsOf: [0x0D, 0x0A])
    }

    /// Calls `use` with the name, in lower case, and the value, without surrounding white space, of each field in `section` that may be
    /// forwarded. The section is as `appendLastChunk` takes it.
    static func forEachForwardable(
        in section: [UInt8], _ use: (_ name: [UInt8], _ value: ArraySlice<UInt8>) -> Void
    ) {
        var start = 0
        while let feed = section[start...].firstIndex(of: 0x0A) {
            let end = feed > start && section[feed - 1] == 0x0D ? feed - 1 : feed
            if end == start { break }
            read(section[start..<end], use)
            start = feed + 1
        }
    }

    private static func read(
        _ line: ArraySlice<UInt8>, _ use: (_ name: [UInt8], _ value: ArraySlice<UInt8>) -> Void
    ) {
        guard let colon = line.firstIndex(of: 0x3A) else {
            preconditionFailure("the body decoder accepted a trailer without a colon")
        }
        let name = line[..<colon].map(asciiLowercased)
        guard isForwardable(name) else { return }
        let value = line[(colon + 1)...]
        let first = value.firstIndex { !isSpace($0) } ?? value.endIndex
        let last = value.lastIndex { !isSpace($0) } ?? first
        use(name, first < value.endIndex ? value[first...last] : [])
    }

    /// Whether a field of this lower-case name may be forwarded as a trailer.
    static func isForwardable(_ name: [UInt8]) -> Bool {
        switch KnownField(lowercasedName: name.bytes) {
        case .etag: return true
        case .other: return !names.contains(name) && !prefixes.contains { name.starts(with: $0) }
        default: return false
        }
    }

    /// Forbidden fields that are not in `KnownField`: routing, authentication, control and content.
    private static let names: Set<[UInt8]> = Set(
        [
            "authentication-info", "cdn-cache-control", "client-ip", "content-location", "content-security-policy",
            "cookie2",
            "early-data", "from", "max-forwards", "set-cookie2", "surrogate-control", "true-client-ip", "warning",
            "x-client-ip",
            "x-host", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url",
        ].map { Array($0.utf8) })

    /// Prefixes of forbidden fields.
    private static let prefixes: [[UInt8]] = [
        "access-control-", "cf-", "if-", "proxy-", "sec-", "x-forwarded-", "x-ssl-",
    ].map { Array($0.utf8) }
}
