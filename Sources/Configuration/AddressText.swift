// Parses addresses in a configuration: of `bind`, `server`, `log` and other keywords.

public import Basics

/// An address as written, before host names are resolved.
public enum AddressText: Hashable, Sendable {
    public enum Host: Hashable, Sendable {
        /// `*`, or nothing before the colon: every IPv4 address.
        case any
        case ip(IPAddress)
        case name(String)
    }
    /// A host and a port or range of ports; nil if no port was written.
    case endpoint(Host, ports: ClosedRange<UInt16>?)
    case path(String)
    /// A name in Linux's abstract namespace (`abns@`).
    case abstract(String)
    /// A name in the abstract namespace without padding (`abnsz@`).
    case abstractExact(String)
    /// An inherited descriptor.
    case descriptor(Int32)
    /// An inherited descriptor, over which connections go as descriptors.
    case pair(Int32)

    /// Parses `127.0.0.1:80`, `*:80`, `:80`, `[::1]:80`, `:::80`, `host:8000-8010`, `ipv4@…`, `ipv6@…`, `unix@/path`,
    /// `/path`, `abns@name`, `abnsz@name`, `fd@3`, `sockpair@3`. After `ipv6@`, `*` or an empty host means every IPv6 address.
    /// `stream+` may stand before all of them, as in HAProxy.
    public init(_ word: Word) throws(ConfigProblem) {
        // The kind of socket: streams are the only one that Portico has here.
        let text = word.text.after("stream+") ?? word.text
        if text.hasPrefix("/") {
            self = .path(try Self.path(text, word))
        } else if let path = text.after("unix@") {
            self = .path(try Self.path(path, word))
        } else if let name = text.after("abns@") {
            self = .abstract(try Self.path(name, word))
        } else if let name = text.after("abnsz@") {
            self = .abstractExact(try Self.path(name, word))
        } else if let number = text.after("fd@") {
            self = .descriptor(try Self.descriptor(number, "fd@", word))
        } else if let number = text.after("sockpair@") {
            self = .pair(try Self.descriptor(number, "sockpair@", word))
        } else {
            let bare = text.after("ipv4@") ?? text.after("ipv6@") ?? text.after("tcp@") ?? text
            if let refusal = Self.schemeRefusal(bare, word) { throw refusal }
            // Check before parsing the host, which would report 'sctp@' as an invalid host name.
            if let at = bare.firstIndex(of: "@") {
                throw ConfigProblem(
                    "unknown address family '\(bare[...at])'", at: word.range,
                    expected: "an address, or one after ipv4@, ipv6@, unix@, abns@, abnsz@, fd@ or sockpair@",
                    suggestion: nearest(
                        String(bare[...at]),
                        among: ["ipv4@", "ipv6@", "tcp@", "unix@", "abns@", "abnsz@", "fd@", "sockpair@"]))
            }
            self = try Self.ofFamily(text, try Self.endpoint(bare, word), word)
        }
    }

    private static func descriptor(
        _ number: String, _ family: String, _ word: Word
    ) throws(ConfigProblem) -> Int32 {
        guard isDecimal(number), let descriptor = Int32(number) else {
            throw ConfigProblem(
                "'\(number)' is not a descriptor's number", at: word.range, expected: "\(family)<number>")
        }
        return descriptor
    }

    /// The problem of a URL such as `http://10.0.0.1:80/` in place of an address; nil if it is not a URL.
    private static func schemeRefusal(_ text: String, _ word: Word) -> ConfigProblem? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let host = text[colon...].dropFirst(3).prefix { $0 != "/" }
        let port: [Substring: String] = ["http": ":80", "https": ":443"]
        let hasPort = host.last != "]" && host.contains(":")
        return ConfigProblem(
            "an address has no '\(text[..<colon])://' before it", at: word.range, expected: "<address>:<port>",
            suggestion: host.isEmpty ? nil : host + (hasPort ? "" : port[text[..<colon]] ?? ""))
    }

    /// Checks that an address is of the family of its prefix `ipv4@` or `ipv6@`; after `ipv6@`, `*` becomes `[::]`.
    private static func ofFamily(
        _ text: String, _ address: AddressText, _ word: Word
    ) throws(ConfigProblem) -> AddressText {
        guard case .endpoint(let host, let ports) = address else { return address }
        switch host {
        case .ip(.v4(_)) where text.hasPrefix("ipv6@"):
            throw ConfigProblem("an IPv4 address after 'ipv6@'", at: word.range)
        case .ip(.v6(_, _)) where text.hasPrefix("ipv4@"):
            throw ConfigProblem("an IPv6 address after 'ipv4@'", at: word.range)
        case .any where text.hasPrefix("ipv6@"): return .endpoint(.ip(.anyV6), ports: ports)
        default: return address
        }
    }

    private static func path(_ path: String, _ word: Word) throws(ConfigProblem) -> String {
        // sockaddr_un holds 108 bytes including the terminating NUL.
        guard !path.isEmpty, path.utf8.count <= 107 else {
            throw ConfigProblem(
                "a unix socket's path or name has 1 to 107 bytes, this one \(path.utf8.count)", at: word.range)
        }
        return path
    }

    private static func endpoint(_ text: String, _ word: Word) throws(ConfigProblem) -> AddressText {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let inside = String(text[text.index(after: text.startIndex)..<end])
            guard let address = IPAddress(inside), case .v6 = address else {
                throw ConfigProblem("'\(inside)' is not an IPv6 address", at: word.range)
            }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw ConfigProblem("expected ':<port>' after ']'", at: word.range)
            }
            return .endpoint(.ip(address), ports: try ports(rest.dropFirst(), word))
        }
        // In an IPv6 address without brackets, the last colon separates the port, as in HAProxy.
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
        // A name whose last label is a number is a mistyped address (RFC 1123 section 2.1).
        let labels = text.split(separator: ".")
        guard isName, let last = labels.last, !isDecimal(last) else {
            if isDecimal(word.text), UInt16(word.text) ?? 0 > 0 {
                throw ConfigProblem("'\(text)' is a port without an address", at: word.range, suggestion: ":\(text)")
            }
            let hint = IPAddress(word.text) == nil ? nil : "brackets around an IPv6 address: [\(word.text)]"
            throw ConfigProblem("'\(text)' is not an address or a host name", at: word.range, expected: hint)
        }
        return .name(String(text))
    }

    private static func ports(_ text: Substring, _ word: Word) throws(ConfigProblem) -> ClosedRange<UInt16>? {
        if text.isEmpty { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        // UInt16 would also accept "+80", which in HAProxy is an offset to the client's port.
        if parts.count <= 2, parts.allSatisfy(isDecimal), let first = UInt16(parts[0]),
            let last = UInt16(parts[parts.count - 1]), first <= last, first > 0
        {
            return first...last
        }
        throw ConfigProblem(
            "'\(text)' is not a port", at: word.range, expected: "1 to 65535, or a range like 8000-8009")
    }
}

extension AddressText {
    private static func isDecimal(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 &- 0x30 < 10 }
    }
}

extension String {
    fileprivate func after(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
