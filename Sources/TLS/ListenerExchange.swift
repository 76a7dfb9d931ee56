// What a listener does when a certificate, or a file that clients are checked with, is exchanged: it makes another table beside the one
// in use, and takes it whole. Connections under way keep what they began with.

internal import Basics
internal import Configuration

extension TLSListener {
    /// Makes the table of some entries.
    /// - Parameter kept: entries in use, which stay as they are where nothing of theirs has changed.
    func makeTable(
        _ plans: [EntryPlan], _ settings: ContextSettings, keeping kept: [CertificateEntry] = []
    ) throws(CertificateProblem) -> Table {
        var table = Table(settings: settings)
        var old: [ObjectIdentifier: [CertificateEntry]] = [:]
        for entry in kept { old[ObjectIdentifier(entry.plan.certificate), default: []].append(entry) }
        for plan in plans {
            let same = old[ObjectIdentifier(plan.certificate)]?.first { $0.plan.isSame(as: plan) }
            let entry = if let same { same } else { try CertificateEntry(plan, of: self) }
            table.entries.append(entry)
            table.names.add(entry, plan.certificate.kind, for: entry.names)
        }
        return table
    }

    public func uses(certificate name: String) -> Bool {
        table.withLock { $0.entries.contains { $0.plan.certificate.name == name } }
    }

    public func prepare(_ certificate: Certificate) throws(CertificateProblem) -> (@Sendable () -> Void)? {
        guard uses(certificate: certificate.name) else { return nil }
        let (old, settings) = table.withLock { ($0.entries, $0.settings) }
        let plans = old.map { entry in
            var plan = entry.plan
            if plan.certificate.name == certificate.name { plan.certificate = certificate }
            return plan
        }
        let made = try makeTable(plans, settings, keeping: old)
        return { [self] in table.withLock { $0 = made } }
    }

    public func uses(_ kind: TrustKind, _ name: String) -> Bool {
        table.withLock { table in
            table.settings.checks(with: kind, name)
                || table.entries.contains { $0.plan.settings.checks(with: kind, name) }
        }
    }

    public func prepare(
        _ kind: TrustKind, _ name: String, in files: TrustFiles
    ) throws(CertificateProblem) -> (@Sendable () -> Void)? {
        guard uses(kind, name) else { return nil }
        var (old, settings) = table.withLock { ($0.entries, $0.settings) }
        // Entries that share a store go on to do so.
        var renewed: [ObjectIdentifier: TrustStore] = [:]
        do throws(ConfigProblem) {
            try settings.renewTrust(kind, name, files, &renewed)
            var plans: [EntryPlan] = []
            for entry in old {
                var plan = entry.plan
                try plan.settings.renewTrust(kind, name, files, &renewed)
                plans.append(plan)
            }
            let made = try remakeTable(plans, settings, keeping: old, name)
            return { [self] in table.withLock { $0 = made } }
        } catch {
            throw CertificateProblem(name, error.message)
        }
    }

    /// As `makeTable`, where only what clients are checked with has changed.
    private func remakeTable(
        _ plans: [EntryPlan], _ settings: ContextSettings, keeping old: [CertificateEntry], _ name: String
    ) throws(ConfigProblem) -> Table {
        do throws(CertificateProblem) {
            return try makeTable(plans, settings, keeping: old)
        } catch {
            throw ConfigProblem(error.text, at: nil)
        }
    }
}

extension EntryPlan {
    /// Whether an entry made of the other plan could be used for this one.
    fileprivate func isSame(as other: EntryPlan) -> Bool {
        certificate === other.certificate && word == other.word && filters == other.filters
            && isDefault == other.isDefault
            && settings.trust === other.settings.trust && line == other.line
    }
}

extension ContextSettings {
    fileprivate func checks(with kind: TrustKind, _ name: String) -> Bool {
        trust != nil && trustSource.uses(kind, name)
    }

    /// Takes the new contents of a file, if it is one that clients are checked with.
    fileprivate mutating func renewTrust(
        _ kind: TrustKind, _ name: String, _ files: TrustFiles, _ renewed: inout [ObjectIdentifier: TrustStore]
    ) throws(ConfigProblem) {
        guard let trust, checks(with: kind, name) else { return }
        let known = renewed[ObjectIdentifier(trust)]
        let store = if let known { known } else { try trustSource.makeStore(files) }
        renewed[ObjectIdentifier(trust)] = store
        self.trust = store
    }
}
