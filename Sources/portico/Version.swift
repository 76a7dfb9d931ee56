// Which Portico this is, and which HAProxy's language it speaks.

enum Version {
    static let number = "0.1.0"
    static let date = "2026/11/21"
    /// The stable line of HAProxy whose configuration language Portico follows.
    static let compatible = "3.4"

    static let line = "Portico version \(number) \(date), compatible with HAProxy \(compatible)"

    /// What `-vv` adds.
    static let details = """
        \(line)
        Built with Swift for Linux; event loop: epoll, one a thread; OpenSSL: no; PCRE2: no; zlib: no
        Keywords: portico help
        """
}
