// From the options of a `bind` line to what its listener is made of: defaults filled in, authorities and lists read.

internal import Basics
internal import COpenSSL
internal import Configuration

struct ListenerMaker {
    let options: TLSListenerOptions
    private let defaults: TLSDefaults
    private let certificates: CertificateStore
    private let spoken: [[UInt8]]?
    private var root: ContextSettings?
    /// Stores of authorities by what they are read from: many entries of a list name the same.
    private var trusts: [String: TrustStore] = [:]

    init(
        _ written: TLSListenerOptions, _ defaults: TLSDefaults, _ certificates: CertificateStore, spoken: [[UInt8]]?
    ) {
        var options = written
        options.protocol = written.protocol.filled(from: defaults.bind.protocol)
        options.isStrict = written.isStrict ?? defaults.bind.isStrict
        options.prefersClientCiphers = written.prefersClientCiphers ?? defaults.bind.prefersClientCiphers
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

    func ticketKeys() throws(ConfigProblem) -> TicketKeys? {
        guard options.protocol.usesTickets != false else { return nil }
        if let file = options.ticketKeys { return try TicketKeys(file: file) }
        // A key decrypts for two periods: tickets are good for as long as their sessions.
        return TicketKeys(period: max(.seconds(3_600), defaults.sessionLifetime), now: .now())
    }

    private mutating func settings(
        _ options: TLSProtocolOptions, hiddenAuthorities: Word?, hidesNames: Bool
    ) throws(ConfigProblem) -> ContextSettings {
        var settings = ContextSettings(options: options, defaults: defaults)
        settings.prefersClientCiphers = self.options.prefersClientCiphers == true
        settings.announcesAuthorities = !hidesNames
        if options.verification ?? .none != .none {
            guard options.authorities != nil || hiddenAuthorities != nil else {
                throw ConfigProblem(
                    "clients are asked for certificates, and no authority is named that they must be signed by",
                    at: (options.authorities ?? self.options.firstSource)?.range, expected: "ca-file <file>")
            }
            settings.trust = try trust(options, hiddenAuthorities)
        }
        settings.protocols = protocols(options)
        settings.sessionContext = sessionContext(options, hiddenAuthorities)
        return settings
    }

    private func protocols(_ options: TLSProtocolOptions) -> ApplicationProtocols? {
        if let named = options.applicationProtocols {
            let offered = named.filter { spoken?.contains($0) ?? true }
            return named.isEmpty ? nil : ApplicationProtocols(offered, isExplicit: true)
        }
        // Without a line the protocol of HTTP mode is offered; a client that speaks another may still mean this one.
        return spoken == nil ? nil : ApplicationProtocols([Array("http/1.1".utf8)], isExplicit: false)
    }

    private mutating func trust(
        _ options: TLSProtocolOptions, _ hiddenAuthorities: Word?
    ) throws(ConfigProblem) -> TrustStore {
        let key = [options.authorities, hiddenAuthorities, options.revocations].map { $0?.text ?? "" }
            .joined(separator: "\n")
        if let known = trusts[key] { return known }
        let store = TrustStore()
        let folder = defaults.authoritiesFolder
        if let word = options.authorities { try store.addAuthorities(word, folder: folder) }
        if let word = hiddenAuthorities { try store.addAuthorities(word, folder: folder, isAnnounced: false) }
        if let word = options.revocations { try store.addRevocations(word, folder: folder) }
        trusts[key] = store
        return store
    }

    /// A session may be continued only where clients are checked in the same way: else who was let in without a certificate could go
    /// on where one is required.
    private func sessionContext(_ options: TLSProtocolOptions, _ hiddenAuthorities: Word?) -> [UInt8] {
        let text = [
            (options.verification ?? .none).rawValue, options.authorities?.text ?? "", hiddenAuthorities?.text ?? "",
            options.revocations?.text ?? "",
        ].joined(separator: "\n")
        let bytes = text.verbatimBytes
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
                for files in try certificates.files(named: word) {
                    plans.append(try plan(files, word, isDefault: isFirst))
                }
            case .defaultCertificate(let word):
                for files in try certificates.files(named: word) {
                    plans.append(try plan(files, word, isDefault: true))
                }
            case .list(let word):
                let path = joined(defaults.certificatesFolder, word.text)
                for entry in try CertificateList.read(path, named: word) { plans += try self.plans(entry) }
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
        SecretFile.kind(of: joined(defaults.certificatesFolder, word.text)) == .absent
    }

    private func plan(_ files: CertificateFiles, _ word: Word, isDefault: Bool) throws(ConfigProblem) -> EntryPlan {
        guard let root else { preconditionFailure("entries are made before their line") }
        return EntryPlan(
            certificate: try certificate(files, word), word: word, settings: root, filters: [], isDefault: isDefault,
            hasOwnVersions: false, hasOwnCurves: false)
    }

    private mutating func plans(_ entry: CertificateListEntry) throws(ConfigProblem) -> [EntryPlan] {
        guard let root else { preconditionFailure("entries are made before their line") }
        var settings = root
        let own = entry.options
        if entry.hasOptions {
            settings = try self.settings(
                own.protocol.filled(from: options.protocol),
                hiddenAuthorities: own.hiddenAuthorities ?? options.hiddenAuthorities,
                hidesNames: own.hidesAuthorityNames || options.hidesAuthorityNames)
            settings.dhParameters = root.dhParameters
        }
        let filters = entry.filters.compactMap { ServerName($0.text) }
        var plans: [EntryPlan] = []
        for var files in try certificates.files(named: entry.certificate) {
            own.name(&files, defaults)
            plans.append(
                EntryPlan(
                    certificate: try certificate(files, entry.certificate), word: entry.certificate,
                    settings: settings, filters: filters, isDefault: false, hasOwnVersions: !own.protocol.versions.isEmpty,
                    hasOwnCurves: own.protocol.curves != nil))
        }
        return plans
    }

    private func certificate(_ files: CertificateFiles, _ word: Word) throws(ConfigProblem) -> Certificate {
        do throws(CertificateProblem) {
            return try certificates.certificate(files)
        } catch {
            throw error.problem(at: word)
        }
    }
}
