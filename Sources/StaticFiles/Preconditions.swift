// Evaluates preconditions of requests for files (RFC 9110 section 13), in the order of section 13.2.2: If-Match, or
// else If-Unmodified-Since; then If-None-Match, or else If-Modified-Since.

internal import Basics
internal import HTTP

/// The preconditions of a request.
enum Preconditions {
    enum Outcome {
        /// The preconditions hold: send the file.
        case hold
        /// The client's copy is current: send 304.
        case notModified
        /// Send 412.
        case failed
    }

    /// Whether the request has any.
    static func arePresent(in fields: borrowing HeaderFields) -> Bool {
        fields.contains(.ifMatch) || fields.contains(.ifNoneMatch) || fields.contains(.ifModifiedSince)
            || fields.contains(.ifUnmodifiedSince)
    }

    /// Evaluates the preconditions in the `fields` of a GET or HEAD request for an existing file.
    ///
    /// An invalid date is ignored (sections 13.1.3 and 13.1.4). Dates are compared in whole seconds.
    static func evaluate(_ fields: borrowing HeaderFields, for file: FileMetadata) -> Outcome {
        if fields.contains(.ifMatch) {
            if !names(file.etag, in: fields, .ifMatch, .strong) { return .failed }
        } else if let since = date(fields, .ifUnmodifiedSince), file.modified.seconds > since.seconds {
            return .failed
        }
        if fields.contains(.ifNoneMatch) {
            return names(file.etag, in: fields, .ifNoneMatch, .weak) ? .notModified : .hold
        }
        guard let since = date(fields, .ifModifiedSince) else { return .hold }
        return file.modified.seconds <= since.seconds ? .notModified : .hold
    }

    /// Whether a list of entity tags, which may be spread over several fields, contains the tag.
    private static func names(
        _ etag: [UInt8], in fields: borrowing HeaderFields, _ field: KnownField, _ comparison: EntityTags.Comparison
    ) -> Bool {
        var next = 0
        while let line = fields.next(field, from: next) {
            if EntityTags.list(fields.value(line), contains: etag, comparison) { return true }
            next = line + 1
        }
        return false
    }

    private static func date(_ fields: borrowing HeaderFields, _ field: KnownField) -> WallTime? {
        guard let line = fields.first(field) else { return nil }
        return HTTPDate.parse(fields.value(line))
    }
}

/// Lists of entity tags (RFC 9110 sections 13.1.1 and 13.1.2).
enum EntityTags {
    /// How two tags are compared (RFC 9110 section 8.8.3.2). The tag of a file is always strong.
    enum Comparison {
        /// A weak tag never matches.
        case strong
        /// `W/` is ignored.
        case weak
    }

    /// Whether `list` is `*` or contains `etag`. A malformed list matches nothing.
    static func list(_ list: RawSpan, contains etag: [UInt8], _ comparison: Comparison) -> Bool {
        var at = 0
        func skipBlanks() { while at < list.byteCount, list[at] == 0x20 || list[at] == 0x09 { at += 1 } }
        skipBlanks()
        if at < list.byteCount, list[at] == 0x2A {
            at += 1
            skipBlanks()
            return at == list.byteCount
        }
        var isFound = false
        while true {
            skipBlanks()
            if at == list.byteCount { return isFound }
            if list[at] == 0x2C {
                at += 1
                continue
            }
            let isWeak = list.byteCount - at >= 2 && list[at] == 0x57 && list[at + 1] == 0x2F
            if isWeak { at += 2 }
            guard at < list.byteCount, list[at] == 0x22 else { return false }
            let start = at
            at += 1
            while at < list.byteCount, list[at] != 0x22 { at += 1 }
            guard at < list.byteCount else { return false }
            at += 1
            if comparison == .weak || !isWeak { isFound = isFound || equal(list, start..<at, etag) }
            skipBlanks()
            guard at == list.byteCount || list[at] == 0x2C else { return false }
        }
    }

    private static func equal(_ bytes: RawSpan, _ range: Range<Int>, _ other: [UInt8]) -> Bool {
        guard range.count == other.count else { return false }
        for i in 0..<other.count where bytes[range.lowerBound + i] != other[i] { return false }
        return true
    }
}
