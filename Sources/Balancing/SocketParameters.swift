// Parameters that sockets of listeners and of connections to servers have in common.

public import Basics
public import Configuration
public import Reactor
internal import SystemPackage

public enum SocketParameters {
    /// `idle-ping`
    public static func idlePing<Target>(
        _ field: any (WritableKeyPath<Target, TimeSpan?> & Sendable), _ whom: String
    ) -> Parameter<Target> {
        Parameter(
            "idle-ping", usage: "idle-ping <time>",
            summary:
                "Asks \(whom), while an HTTP/2 connection is idle, this often whether it is there (PING), and closes the connection if "
                + "the answer has not come when it is time for the next question. Other connections are not asked."
        ) { (args, target) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            target[keyPath: field] = time == .zero ? nil : time
        }
    }

    /// `tcp-ut`
    public static func userTimeout<Target>(
        _ field: any (WritableKeyPath<Target, TimeSpan?> & Sendable), _ summary: String
    ) -> Parameter<Target> {
        Parameter("tcp-ut", usage: "tcp-ut <time>", summary: summary) { (args, target) throws(ConfigProblem) in
            let time = try args.longTime("a time")
            target[keyPath: field] = time == .zero ? nil : time
        }
    }

    /// `cc`
    public static func congestionControl<Target>(
        _ field: any (WritableKeyPath<Target, String?> & Sendable), _ whose: String
    ) -> Parameter<Target> {
        Parameter(
            "cc", usage: "cc <algorithm>",
            summary:
                "The algorithm of congestion control for \(whose) connections, like cubic or bbr, if the system has it."
        ) { (args, target) throws(ConfigProblem) in target[keyPath: field] = try args.next("an algorithm").text }
    }

    /// `tcp-md5sig`
    public static func signature<Target>(
        _ field: any (WritableKeyPath<Target, [UInt8]?> & Sendable), _ whom: String
    ) -> Parameter<Target> {
        Parameter(
            "tcp-md5sig", usage: "tcp-md5sig <password>",
            summary:
                "Signs each TCP segment to \(whom) with this password, and takes only theirs that are signed with it (RFC 2385)."
        ) { (args, target) throws(ConfigProblem) in
            let word = try args.next("a password")
            let key = word.text.verbatimBytes
            guard 1...80 ~= key.count else {
                throw args.problem("a password of \(key.count) bytes", at: word, expected: "1 to 80 bytes")
            }
            target[keyPath: field] = key
        }
    }

    /// `namespace`
    public static func namespace<Target>(
        _ field: any (WritableKeyPath<Target, NetworkNamespace?> & Sendable), _ summary: String
    ) -> Parameter<Target> {
        Parameter("namespace", usage: "namespace <name>", summary: summary) { (args, target) throws(ConfigProblem) in
            let word = try args.next("a namespace")
            guard word.text != "*" else {
                throw args.problem(
                    "the namespace that a client's PROXY protocol header names is not followed", at: word,
                    expected: "a name in /var/run/netns, or a path")
            }
            do throws(Errno) {
                target[keyPath: field] = try NetworkNamespace(named: word.text)
            } catch {
                throw args.problem(
                    "cannot open the network namespace '\(word.text)': \(error)", at: word,
                    expected: "a name in /var/run/netns, or a path")
            }
        }
    }
}
