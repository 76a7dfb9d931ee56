// Cookies in the value of a Cookie or Set-Cookie field (RFC 6265 sections 4.1.1 and 4.2.1), read as leniently as servers do: quotes
// protect delimiters, white space around names and values does not count, and a pair without `=` is no cookie.

internal import Basics

/// One cookie: where its parts stand in the field's value.
public struct CookiePair: Equatable, Sendable {
    public var name: Range<Int>
    public var value: Range<Int>
    /// With the white space around it, without the delimiter behind it.
    public var whole: Range<Int>
    /// Where to look for the next.
    public var next: Int
}

extension RawSpan {
    /// The first cookie at `offset` or behind it; nil if there is none.
    /// - Parameter hasMany: whether several may follow one another, with semicolons or commas between them, as in Cookie. A Set-Cookie
    ///   field has one, before its attributes.
    public func cookiePair(from offset: Int, hasMany: Bool) -> CookiePair? {
        var i = offset
        while i < byteCount {
            let begin = i
            i = endOfCookieName(from: i, hasMany: hasMany)
            guard i < byteCount else { break }
            guard self[i] == 0x3D else {
                i += 1
                if hasMany { continue }
                break
            }
            let name = trimmed(begin..<i)
            let end = endOfCookieValue(from: i + 1, hasMany: hasMany)
            let value = trimmed(i + 1..<end)
            i = hasMany ? end + 1 : byteCount
            if !name.isEmpty { return CookiePair(name: name, value: value, whole: begin..<end, next: i) }
        }
        return nil
    }

    /// Where the name that begins at `start` ends: at `=`, or at a delimiter of pairs.
    private func endOfCookieName(from start: Int, hasMany: Bool) -> Int {
        for i in start..<byteCount where self[i] == 0x3D || self[i] == 0x3B || self[i] == 0x2C && hasMany { return i }
        return byteCount
    }

    /// The delimiter behind a value; those in double quotes are none.
    private func endOfCookieValue(from start: Int, hasMany: Bool) -> Int {
        var isQuoted = false
        var i = start
        while i < byteCount {
            let byte = self[i]
            if byte == 0x22 {
                isQuoted.toggle()
            } else if byte == 0x5C, isQuoted {
                i += 1
            } else if !isQuoted, byte == 0x3B || (byte == 0x2C && hasMany) {
                return i
            }
            i += 1
        }
        return byteCount
    }
}
