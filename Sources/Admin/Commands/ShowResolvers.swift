// `show resolvers`: what has become of questions to nameservers, in HAProxy's layout.

internal import Basics

extension Command {
    static let showResolvers = Command(
        "show resolvers", usage: "show resolvers [<name>]",
        summary: "report what nameservers of resolvers sections answered"
    ) { call in
        let reports = call.context.resolversReports().filter { report in
            call.words.first.map { $0 == report.name } ?? true
        }
        if reports.isEmpty, !call.words.isEmpty { return call.say("Can't find that resolvers section") }
        for report in reports { report.append(to: &call.out) }
    }
}

/// The nameservers of one `resolvers` section.
public struct ResolversReport: Sendable {
    public var name: String
    public var nameservers: [NameserverReport]

    public init(name: String, nameservers: [NameserverReport]) {
        self.name = name
        self.nameservers = nameservers
    }

    func append(to out: inout [UInt8]) {
        out.append("Resolvers section \(name)\n")
        for nameserver in nameservers { nameserver.append(to: &out) }
    }
}

/// How many questions to a nameserver ended how.
public struct NameserverReport: Sendable {
    public var name: String
    public var sent: UInt64 = 0
    public var valid: UInt64 = 0
    /// The name exists, and has no such address.
    public var noAddress: UInt64 = 0
    public var noSuchName: UInt64 = 0
    public var timeout: UInt64 = 0
    public var refused: UInt64 = 0
    public var other: UInt64 = 0

    public init(name: String) { self.name = name }

    /// HAProxy's lines. What Portico does not tell apart is in `other`.
    fileprivate func append(to out: inout [UInt8]) {
        out.append(" nameserver \(name):\n")
        let lines: KeyValuePairs = [
            "sent:": sent, "snd_error:": 0, "valid:": valid, "update:": 0, "cname:": 0, "cname_error:": 0,
            "any_err:": noAddress, "nx:": noSuchName, "timeout:": timeout, "refused:": refused, "other:": other,
            "invalid:": 0,
            "too_big:": 0, "truncated:": 0, "outdated:": 0,
        ]
        for (label, number) in lines {
            out.append("  \(label)\(String(repeating: " ", count: max(1, 13 - label.count)))\(number)\n")
        }
    }
}
