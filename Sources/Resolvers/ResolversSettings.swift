// The settings of a `resolvers` section as parsed, before the names of its nameservers are resolved.

public import Basics
public import Configuration

/// The lines of one `resolvers` section.
public struct ResolversSettings: SectionSettings {
    struct NameserverLine: Sendable {
        let name: Word
        let address: Word
        let host: AddressText.Host
        let port: UInt16
        let isStream: Bool
    }

    var nameservers: [NameserverLine] = []
    /// `resolve_retries`
    var tries = 3
    /// `timeout resolve`, `timeout retry`
    var resolveTime = TimeSpan.seconds(1)
    var retryTime = TimeSpan.seconds(1)
    var holds = HoldTimes()
    var payloadBytes = 512

    public init() {}

    /// Makes the plan of the section.
    ///
    /// A nameserver given by host name gets the first of its addresses.
    /// - Parameters:
    ///   - names: what is known of names already.
    ///   - resolve: resolves the host name of a nameserver.
    ///   - problems: the list to which problems are appended.
    public func makePlan(
        name: String, at range: SourceRange, names: NameTable = NameTable(), resolve: (String) -> [IPAddress],
        _ problems: inout [ConfigProblem]
    ) -> ResolversPlan {
        var found: [NameserverPlan] = []
        for line in nameservers {
            let ip: IPAddress? =
                switch line.host {
                case .ip(let ip): ip
                case .name(let name): resolve(name).first
                case .any: nil
                }
            guard let ip else {
                problems.append(
                    ConfigProblem("no address for the nameserver '\(line.address.text)'", at: line.address.range))
                continue
            }
            found.append(
                NameserverPlan(name: line.name.text, address: .ip(ip, port: line.port), isStream: line.isStream))
        }
        if nameservers.isEmpty {
            problems.append(
                ConfigProblem(
                    "resolvers section '\(name)' has no nameserver: it resolves no names", at: range,
                    expected: "a line with nameserver, or parse-resolv-conf", severity: .warning))
        }
        return ResolversPlan(
            name: name, nameservers: found, tries: tries, retryTime: retryTime, resolveTime: resolveTime, holds: holds,
            payloadBytes: payloadBytes, names: names)
    }
}

extension ResolversSettings {
    /// The file with the system's nameservers.
    private static let systemFile = "/etc/resolv.conf"

    /// `parse-resolv-conf`: adds the system's nameservers, except those that are already listed.
    mutating func addSystemNameservers(_ args: inout Arguments) {
        let bytes: [UInt8]
        do throws(Files.Refusal) {
            bytes = try Files.contents(of: Self.systemFile)
        } catch {
            return args.warn("cannot read \(Self.systemFile): \(error.text)")
        }
        let found = Self.nameservers(in: bytes)
        if found.isEmpty { args.warn("there is no nameserver in \(Self.systemFile)") }
        for address in found {
            let name = address.description
            guard !nameservers.contains(where: { $0.name.text == name }) else { continue }
            let word = Word(name, at: args.keyword.range)
            nameservers.append(
                NameserverLine(name: word, address: word, host: .ip(address), port: Self.port, isStream: false))
        }
    }

    /// The name of the implicit section with the system's nameservers, which HAProxy also has.
    public static let implicitName = "default"

    /// The settings of the implicit section; nil if the system has no nameserver.
    public static func implicit() -> ResolversSettings? {
        var settings = ResolversSettings()
        var args = Arguments(words: [], keyword: Word(implicitName, at: SourceRange(file: systemFile, line: 1)))
        settings.addSystemNameservers(&args)
        return settings.nameservers.isEmpty ? nil : settings
    }

    private static let port: UInt16 = 53

    /// The addresses in the `nameserver` lines of resolv.conf(5).
    static func nameservers(in bytes: [UInt8]) -> [IPAddress] {
        bytes.split(separator: 0x0A).compactMap { line in
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            guard words.count >= 2, words[0].elementsEqual("nameserver".utf8) else { return nil }
            return IPAddress(String(decoding: words[1], as: UTF8.self))
        }
    }
}
