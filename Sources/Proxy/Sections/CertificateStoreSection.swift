// `crt-store` sections: certificates with their files, which other lines name.

internal import Basics
internal import Configuration
internal import Rules
internal import TLS

enum CertificateStoreSection: SiteSection {
    static let kind: SectionKind = "crt-store"

    static func resolve(_ sections: [Draft], in site: inout PlanBuilder) {
        let uses = site.drafts.flatMap { $0[ProxySettings.self].binds.flatMap { $0.options.tls.sources.map(\.word) } }
        for draft in sections {
            do throws(ConfigProblem) {
                try site.certificates.declare(draft[CertificateStoreSettings.self], store: draft.name, usedBy: uses)
            } catch {
                site.note(error)
            }
        }
    }
}

extension PlanBuilder {
    /// The store of all certificates, and what is wrong with the folders that `global` names.
    static func certificates(_ global: Draft, of site: Site) -> (CertificateStore, [ConfigProblem]) {
        do throws(ConfigProblem) {
            return (try CertificateStore(global[TLSDefaults.self], adopting: site.certificates), [])
        } catch {
            return (CertificateStore(), [error])
        }
    }

    /// Each line of the frontends that encrypts, once however many addresses it has.
    static func encryptedPlaces(_ binds: [BindPlan]) -> [EncryptionState.Place] {
        var seen: Set<ObjectIdentifier> = []
        return binds.compactMap { bind in
            guard let tls = bind.tls, seen.insert(ObjectIdentifier(tls)).inserted else { return nil }
            return EncryptionState.Place(frontend: bind.frontend.name, line: bind.place.word.range, listener: tls)
        }
    }

    /// The time of day at which the files are read; 0 where the process has none.
    private var readingDate: WallTime {
        guard facts.startDate.seconds > 0 else { return facts.startDate }
        return WallTime(
            seconds: facts.startDate.seconds + Int(now.since(facts.startedAt).wholeMilliseconds / 1_000))
    }

    /// The addresses of a frontend. Those of one line share what encrypts their connections.
    mutating func makeBinds(_ draft: Draft, _ frontend: Frontend) -> [BindDraft] {
        var listeners: [Word: TLSListener] = [:]
        var binds: [BindDraft] = []
        var taken: [Int: SourceRange] = [:]
        var listened: [ListenAddress.Key: Int] = [:]
        let rateLimits = rateLimits(draft, frontend)
        for place in draft[ProxySettings.self].binds {
            let listener = listeners[place.word] ?? makeListener(place, of: draft)
            listeners[place.word] = listener
            if let id = place.options.number, let word = place.options.id {
                if let first = taken.updateValue(word.range, forKey: id) {
                    report(
                        "there is an address with id \(id) already, at line \(first.line)", at: word.range,
                        expected: "a number that no other address of this section has")
                }
            }
            var key = ListenAddress.Key(place, of: draft.name)
            let ordinal = listened[key, default: 0]
            listened[key] = ordinal + 1
            key.ordinal = ordinal
            binds.append(
                BindDraft(
                    number: place.options.number ?? binds.count + 1, place: place, live: site.address(key),
                    tls: listener, rateLimits: rateLimits))
        }
        return binds
    }

    /// The limits on how many connections come in there in a second.
    private func rateLimits(_ draft: Draft, _ frontend: Frontend) -> [RateLimit] {
        let process = global[ProcessSettings.self]
        let limits = [
            (site.connectionRateLimit, process.connectionRateMax), (site.sessionRateLimit, process.sessionRateMax),
            (frontend.sessionRateLimit, draft[ProxySettings.self].sessionRateMax),
        ]
        return limits.compactMap { limit, perSecond in perSecond == nil ? nil : limit }
    }

    /// What encrypts connections to an address; nil for one without `ssl`, and where something of it is wrong.
    private mutating func makeListener(_ place: BindPlace, of draft: Draft) -> TLSListener? {
        let options = place.options.tls
        guard options.isOn else {
            if let source = options.sources.first {
                report(
                    "a certificate is named, and connections here are not encrypted", at: source.word.range,
                    expected: "ssl on the same line", severity: .warning)
            }
            return nil
        }
        do throws(ConfigProblem) {
            let tls = try ListenerDraft(
                options, at: place.word, defaults: global[TLSDefaults.self], certificates: certificates,
                entries: draft[FrontendCertificates.self].entries,
                spoken: Self.protocolsWithClients(draft, place.options.protocolWord),
                hasFingerprints: drafts.contains(where: \.asksForFingerprints))
            let listener = try tls.makeListener(for: .bind(frontend: draft.name, address: place.word.text))
            for warning in tls.warnings(at: readingDate) { note(warning) }
            return listener
        } catch {
            note(error)
            return nil
        }
    }
}
