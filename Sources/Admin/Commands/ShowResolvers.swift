// `show resolvers`: what nameservers answered, in HAProxy's layout.

internal import Basics

public enum ShowResolvers: RuntimeCommand {
    public static let name = "show resolvers"
    public static let usage = "show resolvers [<name>]"
    public static let summary = "report what nameservers of resolvers sections answered"

    public static func run(_ call: inout CommandCall) {
        let wanted = call.words.first
        let reports = call.context.resolversReports().filter { wanted == nil || wanted == $0.name }
        if reports.isEmpty, wanted != nil { return call.fail("Can't find that resolvers section") }
        for report in reports { call.say { report.append(to: &$0) } }
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

/// The numbers of a nameserver's answers, by kind.
public struct NameserverReport: Sendable {
    public var name: String
    public var sent: UInt64 = 0
    public var valid: UInt64 = 0
    /// The name exists and has no address of the family asked for.
    public var noAddress: UInt64 = 0
    public var noSuchName: UInt64 = 0
    public var timeout: UInt64 = 0
    public var refused: UInt64 = 0
    public var other: UInt64 = 0

    public init(name: String) { self.name = name }

    /// HAProxy's lines. `other` has what Portico does not distinguish.
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
