// What a `cookie` line says: the cookie that leads a client's requests to the same server, which side makes it, and its attributes.

internal import Basics
internal import Expressions
internal import HTTP

/// The `cookie` line of one backend.
struct PersistenceCookie: Sendable {
    enum Mode: Sendable {
        /// Portico makes the cookie.
        case insert
        /// The server makes it, and Portico writes the server's name into it.
        case rewrite
        /// The server makes it, and Portico writes the server's name before its value.
        case prefix
        /// Portico only reads it, and sets none.
        case passive
    }

    var name: [UInt8]
    var mode = Mode.passive
    /// The client is told of its server only if that has changed; with `insert` the server does not see the cookie.
    var isIndirect = false
    /// A response that sets the cookie must not be cached.
    var forbidsCaching = false
    /// Only responses to POST set it.
    var isForPostsOnly = false
    /// A cookie of this name that the server sets stays as it is.
    var preservesServers = false
    var isHTTPOnly = false
    var isSecure = false
    /// Servers without a value of their own are named by their addresses.
    var isDynamic = false
    var domains: [String] = []
    /// `attr`
    var otherAttributes: [String] = []
    /// Seconds after which a cookie is not valid any more: since the client's last response; since its first.
    var idleMax: Int?
    var lifeMax: Int?

    /// Whether this is its name.
    func isNamed(_ text: RawSpan) -> Bool {
        guard text.byteCount == name.count else { return false }
        for i in 0..<name.count where text[i] != name[i] { return false }
        return true
    }

    var hasDates: Bool { idleMax != nil || lifeMax != nil }

    /// What follows the value.
    var attributes: [UInt8] {
        var text = "; path=/"
        for domain in domains { text += "; domain=\(domain)" }
        if isHTTPOnly { text += "; HttpOnly" }
        if isSecure { text += "; Secure" }
        for attribute in otherAttributes { text += "; \(attribute)" }
        return Array(text.utf8)
    }
}

/// A point in time as a cookie has it: seconds since 1970 divided by four, as five characters of six bits, as HAProxy writes it.
enum CookieDate {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    static let byteCount = 5

    static func append(_ seconds: Int, to out: inout [UInt8]) {
        let number = seconds >> 2
        for shift in stride(from: 24, through: 0, by: -6) { out.append(alphabet[number >> shift & 0x3F]) }
    }

    /// The seconds that the first five bytes of `text` say; nil if they are no date.
    static func read(_ text: RawSpan) -> Int? {
        guard text.byteCount >= byteCount else { return nil }
        var number = 0
        for i in 0..<byteCount {
            guard let digit = alphabet.firstIndex(of: text[i]) else { return nil }
            number = number << 6 | digit
        }
        return number > 0 ? number << 2 : nil
    }
}

/// A server's name that is made of its address: 16 hexadecimal digits, in lower case as HAProxy writes them.
enum CookieNumber {
    private static let digits = Array("0123456789abcdef".utf8)

    static func append(_ number: UInt64, to out: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) { out.append(digits[Int(number >> UInt64(shift) & 0xF)]) }
    }

    static func read(_ text: RawSpan) -> UInt64? {
        guard text.byteCount == 16 else { return nil }
        var number: UInt64 = 0
        for i in 0..<16 {
            guard let digit = digits.firstIndex(of: text[i]) else { return nil }
            number = number << 4 | UInt64(digit)
        }
        return number
    }
}

/// What the request's cookie has said, for its response.
struct CookieState: Sendable {
    /// Whether a server that is down counts, or none does.
    var choice = PersistenceChoice.usual
    /// The index of the server that the cookie names; nil if it names none that is to be used.
    var server: Int?
    /// The cookie's dates, in seconds since 1970.
    var lastSeen: Int?
    var firstSeen: Int?
    /// The client has sent a cookie of this name.
    var wasGiven = false

    init(_ choice: PersistenceChoice = .usual) { self.choice = choice }
}
