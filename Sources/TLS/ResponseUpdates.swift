// Which certificates get their OCSP responses from their responders (`ocsp-update`): what lines and `global` say of it, and how a
// fetched response comes to its certificates. Fetching them is the control thread's.

internal import Basics
internal import COpenSSL
internal import Configuration

/// `ocsp-update.*` of `global`.
public struct ResponseUpdateSettings: Sendable, Equatable {
    /// Whether the responses of certificates are fetched whose lines do not say (`mode`).
    public var isDefault = false
    /// Nothing is fetched, whatever lines say (`disable`).
    public var isDisabled = false
    /// Seconds from one response to the next request, at least (`mindelay`) and at most (`maxdelay`).
    public var leastSeconds = 300
    public var mostSeconds = 3_600
    /// The later one of the two lines that name these.
    var secondsWord: Word?
    /// The HTTP proxy that requests go through (`httpproxy`).
    public var proxy: Proxy?

    public struct Proxy: Sendable, Equatable {
        public let host: String
        public let port: UInt16
    }

    /// Throws if the bounds contradict each other.
    func check() throws(ConfigProblem) {
        guard leastSeconds > mostSeconds else { return }
        throw ConfigProblem(
            "ocsp-update.mindelay (\(leastSeconds)) is more than ocsp-update.maxdelay (\(mostSeconds))",
            at: secondsWord?.range)
    }
}

/// What lines say of fetching a certificate's response.
struct UpdateNote: Sendable {
    /// Nil where none says anything.
    var isOn: Bool?
    /// Whether a crt-store says it, for all lines that name the certificate.
    var isOfStore = false
}

extension CertificateStore {
    /// Why a line cannot say this of a certificate: another line says something else. Nil: it can.
    func conflict(of name: String, _ isOn: Bool?) -> String? {
        guard let known = state.withLock({ $0.updates[name] }), !(known.isOfStore && isOn == nil) else { return nil }
        let mode = defaults.responseUpdates.isDefault
        guard (known.isOn ?? mode) != (isOn ?? mode) else { return nil }
        func text(_ isOn: Bool?) -> String {
            isOn.map { $0 ? "'on'" : "'off'" } ?? "'default' (ocsp-update.mode \(mode ? "on" : "off"))"
        }
        return "different parameter 'ocsp-update' : previously \(text(known.isOn)) vs \(text(isOn))"
    }

    /// Notes what a line says of a certificate that clients are shown.
    func note(_ isOn: Bool?, of name: String, isOfStore: Bool = false) {
        state.withLock { state in
            if state.updates[name] == nil { state.updates[name] = UpdateNote(isOn: isOn, isOfStore: isOfStore) }
            state.version += 1
        }
    }

    /// The same for a line of the configuration; throws if another line says something else.
    func note(_ isOn: Bool?, of name: String, at word: Word, isOfStore: Bool = false) throws(ConfigProblem) {
        if let conflict = conflict(of: name, isOn) { throw ConfigProblem("'\(name)': \(conflict)", at: word.range) }
        note(isOn, of: name, isOfStore: isOfStore)
    }

    /// Whether the configuration asks for a certificate's responses to be fetched, and whether a line of its own does.
    func asksForUpdates(of name: String) -> (isOn: Bool, isExplicit: Bool) {
        guard !defaults.responseUpdates.isDisabled, let note = state.withLock({ $0.updates[name] }) else {
            return (false, false)
        }
        return (note.isOn ?? defaults.responseUpdates.isDefault, note.isOn != nil)
    }

    /// Whether a certificate's responses are fetched, once clients are shown it.
    func updatesResponse(of certificate: Certificate) -> Bool {
        certificate.responder != nil && certificate.identity != nil && asksForUpdates(of: certificate.name).isOn
    }

    /// Why a certificate's responses are not fetched although that is asked for; nil if they are, or are not asked for.
    func hindrance(toUpdating certificate: Certificate) -> String? {
        let asked = asksForUpdates(of: certificate.name)
        guard asked.isOn else { return nil }
        guard certificate.responder != nil else {
            // Many certificates have none: by `global` those that have one are meant.
            return asked.isExplicit ? "it names no responder that speaks plain HTTP" : nil
        }
        return certificate.identity == nil
            ? "the certificate that signed it is in neither its file nor an .issuer file" : nil
    }

    /// Rises whenever certificates, or lines that name them, change.
    public var version: Int { state.withLock { $0.version } }

    /// What OCSP calls the certificates, those that are not used too.
    public var identities: Set<[UInt8]> { Set(names.compactMap { certificate(of: $0)?.identity }) }

    /// The certificate that a command means; nil if there is none.
    public func certificate(called path: String) -> Certificate? {
        place(named: path).flatMap { $0.piece == .bundle ? certificate(of: $0.name) : nil }
    }

    /// A line that names a certificate was removed.
    func noteChange() { state.withLock { $0.version += 1 } }

    /// Gives a fetched response to the certificates of an identity.
    /// - Parameter now: seconds since 1970.
    /// - Returns: the response; nil if there is no such certificate any more.
    /// - Throws: what is wrong with the response.
    public func staple(
        fetched bytes: [UInt8], identity: [UInt8], at now: Int64
    ) throws(TransactionProblem) -> OCSPResponse? {
        var taken: OCSPResponse?
        for certificate in names.compactMap({ certificate(of: $0) }) where certificate.identity == identity {
            guard let issuer = unsafe certificate.signer else { continue }
            do throws(FileRefusal) {
                let response = try unsafe OCSPResponse(
                    bytes, about: certificate.leaf, issuer: issuer, at: now, checksSignature: true)
                certificate.staple(response)
                taken = response
            } catch {
                throw TransactionProblem(error.text)
            }
        }
        return taken
    }
}

extension EncryptionState {
    /// The certificates that clients are shown and whose responses are fetched, in the order of the configuration, one for each
    /// identity.
    public var updatedCertificates: [Certificate] {
        guard certificates.asksForAnyUpdate else { return [] }
        var shown: Set<String> = []
        for place in listeners {
            for named in place.listener.namedCertificates { shown.insert(named.certificate.name) }
        }
        var seen: Set<[UInt8]> = []
        return certificates.names.filter { shown.contains($0) }.compactMap { certificates.certificate(of: $0) }
            .filter { certificate in
                certificates.updatesResponse(of: certificate)
                    && certificate.identity.map { seen.insert($0).inserted } == true
            }
    }
}

extension CertificateStore {
    /// False where no line asks for one: the common case, in which nothing has to be looked through.
    fileprivate var asksForAnyUpdate: Bool {
        let settings = defaults.responseUpdates
        return !settings.isDisabled
            && (settings.isDefault || state.withLock { $0.updates.values.contains { $0.isOn == true } })
    }
}
