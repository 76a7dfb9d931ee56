// From the options of a `bind` line to what its listener is made of: defaults filled in, authorities and lists read.

internal import Basics
internal import COpenSSL
internal import Configuration

struct ListenerMaker {
    let options: TLSListenerOptions
    private let defaults: TLSDefaults
    private let certificates: CertificateStore
    private let spoken: SpokenProtocols?
    private var root: ContextSettings?
    /// Stores of authorities by what they are read from: many entries of a list name the same.
    private var trusts: [String: TrustStore] = [:]
    /// The crt-lists and folders that were read.
    private(set) var lists: [String] = []

    init(
        _ written: TLSListenerOptions, _ defaults: TLSDefaults, _ certificates: CertificateStore,
        spoken: SpokenProtocols?
    ) {
        var options = written
        options.fill(from: defaults.bind)
        self.options = options
        self.defaults = defaults
        self.certificates = certificates
        self.spoken = spoken
    }

    // MARK: The line itself

    mutating func rootSettings() throws(ConfigProblem) -> ContextSettings {
        var settings = try settings(
            options.protocol, hiddenAuthorities: options.hiddenAuthorities, hidesNames: options.hidesAuthorityNames)
        if let file = defaults.dhParameters { settings.dhParameters = try SharedParameters(file) }
        root = settings
        return settings
    }

    private mutating func settings(
        _ options: TLSProtocolOptions, hiddenAuthorities: Word?, hidesNames: Bool
    ) throws(ConfigProblem) -> ContextSettings {
        var settings = ContextSettings(options: options, defaults: defaults)
        settings.spoken = spoken
        settings.prefersClientCiphers = self.options.prefersClientCiphers == true
        settings.announcesAuthorities = !hidesNames
        if options.verification ?? .none != .none {
            guard options.authorities != nil || hiddenAuthorities != nil else {
                throw ConfigProblem(
                    "clients are asked for certificates, and no authority is named that they must be signed by",
                    at: (options.authorities ?? self.options.firstSource)?.range, expected: "ca-file <file>")
            }
            settings.trustSource = TrustSource(
                authorities: options.authorities, hiddenAuthorities: hiddenAuthorities,
                revocations: options.revocations,
                folder: defaults.authoritiesFolder)
            settings.trust = try trust(settings.trustSource)
        }
        settings.protocols = protocols(options)
        return settings
    }

    private func protocols(_ options: TLSProtocolOptions) -> ApplicationProtocols? {
        if let named = options.applicationProtocols {
            let offered = named.filter { spoken?.contains($0) ?? true }
            return named.isEmpty ? nil : ApplicationProtocols(offered, isExplicit: true)
        }
        // Without a line the protocols of HTTP mode are offered; a client that names others may still mean one of these.
        guard let spoken else { return nil }
        return ApplicationProtocols(spoken.standard, isExplicit: false)
    }

    private mutating func trust(
        _ source: TrustSource
    ) throws(ConfigProblem) -> TrustStore {
        let key = [source.authorities, source.hiddenAuthorities, source.revocations].map { $0?.text ?? "" }
            .joined(separator: "\n")
        if let known = trusts[key] { return known }
        let store = try source.makeStore(certificates.trust)
        trusts[key] = store
        return store
    }

    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 32
        _ = unsafe EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil)
        return digest
    }

    // MARK: Entries

    /// The entries in the order of the file. The first is a default, as in HAProxy.
    mutating func entryPlans(_ frontend: [CertificateListEntry], at word: Word) throws(ConfigProblem) -> [EntryPlan] {
        var plans: [EntryPlan] = []
        for source in options.sources {
            switch source {
            case .certificate(let word):
                // The files of a bundle are the default together: each client gets the one that it can check.
                let isFirst = plans.isEmpty && isBundle(word)
                let path = joined(defaults.certificatesFolder, word.text)
                let isFolder = SecretFile.kind(of: word.place(of: path)) == .folder
                if isFolder { lists.append(path) }
                for (index, files) in try certificates.files(named: word).enumerated() {
                    plans.append(try plan(files, word, isDefault: isFirst))
                    if isFolder { plans[plans.count - 1].line = ListLine(path: path, number: index + 1, text: "") }
                }
            case .defaultCertificate(let word):
                for files in try certificates.files(named: word) {
                    plans.append(try plan(files, word, isDefault: true))
                }
            case .list(let word):
                let path = joined(defaults.certificatesFolder, word.text)
                lists.append(path)
                for entry in try CertificateList.read(path, named: word) {
                    let line = ListLine(path: path, number: entry.certificate.range.line, text: entry.text)
                    for var plan in try self.plans(entry) {
                        plan.line = line
                        plans.append(plan)
                    }
                }
            }
        }
        for entry in frontend { plans += try self.plans(entry) }
        if !plans.isEmpty { plans[0].isDefault = true }
        if plans.isEmpty, options.isStrict != true {
            throw ConfigProblem(
                "no certificate is named that clients could be shown", at: word.range, expected: "crt <file>")
        }
        return plans
    }

    private func isBundle(_ word: Word) -> Bool {
        SecretFile.kind(of: word.place(of: joined(defaults.certificatesFolder, word.text))) == .absent
    }

    private func plan(_ files: CertificateFiles, _ word: Word, isDefault: Bool) throws(ConfigProblem) -> EntryPlan {
        guard let root else { preconditionFailure("entries are made before their line") }
        return EntryPlan(
            certificate: try certificate(files, word), word: word, settings: root, filters: [], isDefault: isDefault,
            hasOwnVersions: false, hasOwnCurves: false)
    }

    private mutating func plans(_ entry: CertificateListEntry) throws(ConfigProblem) -> [EntryPlan] {
        let settings = try settings(of: entry)
        var plans: [EntryPlan] = []
        for var files in try certificates.files(named: entry.certificate) {
            entry.options.name(&files, defaults)
            let certificate = try certificate(files, entry.certificate, entry.options.updatesResponse)
            plans.append(plan(entry, certificate, settings))
        }
        return plans
    }

    private mutating func settings(of entry: CertificateListEntry) throws(ConfigProblem) -> ContextSettings {
        guard let root else { preconditionFailure("entries are made before their line") }
        guard entry.hasOptions else { return root }
        let own = entry.options
        var settings = try settings(
            own.protocol.filled(from: options.protocol),
            hiddenAuthorities: own.hiddenAuthorities ?? options.hiddenAuthorities,
            hidesNames: own.hidesAuthorityNames || options.hidesAuthorityNames)
        settings.dhParameters = root.dhParameters
        return settings
    }

    private func plan(
        _ entry: CertificateListEntry, _ certificate: Certificate, _ settings: ContextSettings
    ) -> EntryPlan {
        EntryPlan(
            certificate: certificate, word: entry.certificate, settings: settings,
            filters: entry.filters.compactMap { ServerName($0.text) }, isDefault: false,
            hasOwnVersions: !entry.options.protocol.versions.isEmpty, hasOwnCurves: entry.options.protocol.curves != nil
        )
    }

    /// An entry for a listener that runs already.
    /// - Parameters:
    ///   - options: the listener's, with those of `global`.
    ///   - root: what its other entries are made with now.
    static func plan(
        adding entry: CertificateListEntry, _ certificate: Certificate, line: ListLine, to options: TLSListenerOptions,
        root: ContextSettings, _ certificates: CertificateStore
    ) throws(ConfigProblem) -> EntryPlan {
        var maker = ListenerMaker(options, root.defaults, certificates, spoken: root.spoken)
        maker.root = root
        var plan = maker.plan(entry, certificate, try maker.settings(of: entry))
        plan.line = line
        return plan
    }

    /// - Parameter updates: whether the line has its OCSP responses fetched; nil where it does not say.
    private func certificate(
        _ files: CertificateFiles, _ word: Word, _ updates: Bool? = nil
    ) throws(ConfigProblem) -> Certificate {
        try certificates.note(updates, of: files.name, at: word)
        do throws(CertificateProblem) {
            return try certificates.certificate(files)
        } catch {
            throw error.problem(at: word)
        }
    }
}
