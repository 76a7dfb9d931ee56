// A `bind` line with `ssl` once it is read: all that its listener is made of, before OpenSSL makes contexts of it. A listener of the
// reading before that comes to the same goes on, with its sessions and tickets.

internal import Basics
public import Configuration

/// What a `bind` line says of TLS, with the certificates and files that it names.
public struct ListenerDraft {
    let options: TLSListenerOptions
    let root: ContextSettings
    let plans: [EntryPlan]
    /// The crt-lists and folders of certificates that the line names.
    let lists: [String]
    let origin: ListenerOrigin
    let word: Word
    let certificates: CertificateStore

    /// - Parameters:
    ///   - word: where the line is, for problems that have no word of their own.
    ///   - entries: those of `ssl-f-use` lines, which belong to every bind line of their section.
    ///   - hasFingerprints: whether rules or logs ask for those of clients (JA4).
    ///   - spoken: the protocols above TLS that Portico speaks here; nil: it passes on whatever it is.
    /// - Throws: what of the line, or of a file that it names, is wrong.
    public init(
        _ options: TLSListenerOptions, at word: Word, defaults: TLSDefaults, certificates: CertificateStore,
        entries: [CertificateListEntry] = [], spoken: SpokenProtocols? = nil, hasFingerprints: Bool = false
    ) throws(ConfigProblem) {
        var maker = ListenerMaker(options, defaults, certificates, spoken: spoken)
        self.options = maker.options
        self.word = word
        self.certificates = certificates
        root = try maker.rootSettings()
        plans = try maker.entryPlans(entries, at: word)
        lists = maker.lists
        origin = ListenerOrigin(
            frontendEntries: entries.map(\.unplaced), hasFingerprints: hasFingerprints,
            lines: plans.map { ListenerOrigin.Line(certificate: $0.certificate.name, line: $0.line) })
    }

    /// The listener: the one that the store before has for this line if that comes to the same, else a new one, which understands the
    /// tickets of that one.
    /// - Throws: what OpenSSL refuses of the line, or of a certificate.
    public func makeListener(for line: EncryptedLine) throws(ConfigProblem) -> TLSListener {
        let before = certificates.userBefore(TLSListener.self, of: line)
        if let before, try isSame(as: before) {
            certificates.register(before)
            return before
        }
        return try TLSListener(self, for: line, keys: try ticketKeys(after: before))
    }

    private func isSame(as listener: TLSListener) throws(ConfigProblem) -> Bool {
        guard origin == listener.origin, options.unplaced == listener.options.unplaced,
            root.defaults.ofListeners == listener.root.defaults.ofListeners, root.spoken == listener.root.spoken,
            root.dhParameters?.signature == listener.root.dhParameters?.signature,
            plans.allSatisfy({ certificates.isKept(certificate: $0.certificate.name) })
        else { return false }
        if let file = options.ticketKeys, listener.ticketKeys?.isUnchanged(file) == false { return false }
        for source in [root.trustSource] + plans.map(\.settings.trustSource) {
            guard try source.isKept(in: certificates) else { return false }
        }
        return true
    }

    /// - Parameter before: the listener that the line had; nil for none.
    func ticketKeys(after before: TLSListener?) throws(ConfigProblem) -> TicketKeys? {
        guard options.protocol.usesTickets != false else { return nil }
        if let file = options.ticketKeys {
            if let kept = certificates.keptTicketKeys(file) { return kept }
            return try TicketKeys(file: file)
        }
        // A key decrypts for two periods: tickets are good for as long as their sessions.
        let period = max(.seconds(3_600), root.defaults.sessionLifetime)
        if let keys = before?.ticketKeys, keys.period == period { return keys }
        return TicketKeys(period: period, now: .now())
    }
}

/// What a listener is made of beside its options, as the configuration has it: commands may have changed the listener since.
struct ListenerOrigin: Equatable, Sendable {
    /// Those of `ssl-f-use` lines.
    let frontendEntries: [CertificateListEntry]
    let hasFingerprints: Bool
    let lines: [Line]

    struct Line: Equatable, Sendable {
        let certificate: String
        /// Of a crt-list, with its options and names.
        let line: ListLine?
    }
}
