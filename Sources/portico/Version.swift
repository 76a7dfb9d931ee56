// Which Portico this is, and which HAProxy's language it speaks.

internal import Configuration

enum Version {
    static let number = "0.1.0"
    static let date = "2026/11/21"
    /// The stable line of HAProxy whose configuration language Portico follows.
    static let compatible = "3.4"

    static let line = "Portico version \(number) \(date), compatible with HAProxy \(compatible)"

    /// What Portico has of what HAProxy may be built with, by HAProxy's names, and what one may look for in vain.
    private static let features = [
        "ACCEPT4", "CRYPT_H", "EPOLL", "GETADDRINFO", "LIBCRYPT", "PCRE2", "PCRE2_JIT", "TFO", "THREAD",
    ]
    private static let missing = [
        "LINUX_TPROXY", "LUA", "NS", "OPENSSL", "OT", "PROMEX", "QUIC", "SLZ", "SYSTEMD", "ZLIB",
    ]

    /// What `.if` and `-cc` are told.
    static let facts = ProgramFacts(
        version: compatible, features: Set(features), options: ["EPOLL", "GETADDRINFO", "REUSEPORT"])

    /// What `-vv` adds.
    static let details = """
        \(line)
        Built with Swift for Linux; event loop: epoll, one a thread
        Feature list : \(features.map { "+\($0)" }.joined(separator: " ")) \(missing.map { "-\($0)" }.joined(separator: " "))
        Keywords: portico help
        """
}
