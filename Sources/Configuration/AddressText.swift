// Addresses as files write them: for `bind`, `server`, `log` and whatever else has one.

public import Basics

/// An address as written, before any name is looked up.
public enum AddressText: Hashable, Sendable {
    public enum Host: Hashable, Sendable {
        /// `*`, or nothing before the colon: every IPv4 address.
        case any
        case ip(IPAddress)
        case name(String)
    }
    /// A port or a range of ports; nil if none was written.
    case endpoint(Host, ports: ClosedRange<UInt16>?)
    case path(String)
    case abstract(String)
    /// A socket this process was started with.
    case descriptor(Int32)

    /// Reads `127.0.0.1:80`, `*:80`, `:80`, `[::1]:80`, `:::80`, `host:8000-8010`, `ipv4@…`, `ipv6@…`, `unix@/path`, `/path`,
    /// `abns@name`, `fd@3`.
    public init(_ word: Word) throws(ConfigProblem) {
        let text = word.text
        if text.hasPrefix("/") {
            self = .path(try Self.path(text, word))
        } else if let path = text.after("unix@") {
            self = .path(try Self.path(path, word))
        } else if let name = text.after("abns@") {
            self = .abstract(name)
        } else if let number = text.after("fd@") {
            guard let descriptor = Int32(number), descriptor >= 0 else {
                throw ConfigProblem("'\(number)' is not a descriptor's number", at: word.range, expected: "fd@<number>")
            }
            self = .descriptor(descriptor)
        } else {
            let bare = text.after("ipv4@") ?? text.after("ipv6@") ?? text.after("tcp@") ?? text
            self = try Self.endpoint(bare, word)
            if let at = bare.firstIndex(of: "@") {
                throw ConfigProblem(
                    "unknown address family '\(bare[..<at])@'", at: word.range,
                    expected: "an address, or one after ipv4@, ipv6@, unix@, abns@ or fd@")
            }
        }
    }

    private static func path(_ path: String, _ word: Word) throws(ConfigProblem) -> String {
        // sockaddr_un holds 108 bytes with the closing NUL.
        guard !path.isEmpty, path.utf8.count <= 107 else {
            throw ConfigProblem("a socket's path has 1 to 107 bytes, this one \(path.utf8.count)", at: word.range)
        }
        return path
    }

    private static func endpoint(_ text: String, _ word: Word) throws(ConfigProblem) -> AddressText {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let inside = String(text[text.index(after: text.startIndex)..<end])
            guard let address = IPAddress(inside) else {
                throw ConfigProblem("'\(inside)' is not an IPv6 address", at: word.range)
            }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw ConfigProblem("expected ':<port>' after ']'", at: word.range)
            }
            return .endpoint(.ip(address), ports: try ports(rest.dropFirst(), word))
        }
        // A bare IPv6 address without brackets: the last colon parts the port, as in HAProxy.
        guard let colon = text.lastIndex(of: ":") else {
            return .endpoint(try host(text[...], word), ports: nil)
        }
        return .endpoint(try host(text[..<colon], word), ports: try ports(text[text.index(after: colon)...], word))
    }

    private static func host(_ text: Substring, _ word: Word) throws(ConfigProblem) -> Host {
        if text.isEmpty || text == "*" { return .any }
        if let address = IPAddress(text) { return .ip(address) }
        let isName = text.utf8.allSatisfy { byte in
            asciiLowercased(byte) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x2E || byte == 0x5F
        }
        guard isName else { throw ConfigProblem("'\(text)' is not an address or a host name", at: word.range) }
        return .name(String(text))
    }

    private static func ports(_ text: Substring, _ word: Word) throws(ConfigProblem) -> ClosedRange<UInt16>? {
        if text.isEmpty { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        if parts.count <= 2, let first = UInt16(parts[0]), let last = UInt16(parts[parts.count - 1]), first <= last,
            first > 0
        {
            return first...last
        }
        throw ConfigProblem(
            "'\(text)' is not a port", at: word.range, expected: "1 to 65535, or a range like 8000-8009")
    }
}

extension String {
    fileprivate func after(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
