// Whether two readings of the configuration say the same of a line's TLS: its words are compared without their places, which change
// whenever a line is added above.

internal import Basics
internal import Configuration

extension Word {
    /// This without its place.
    var unplaced: Word { Word(text, at: SourceRange(file: "", line: 0), folder: folder) }
}

extension TLSProtocolOptions {
    /// These without the places of their words.
    var unplaced: TLSProtocolOptions {
        var options = self
        options.ciphers = ciphers?.unplaced
        options.cipherSuites = cipherSuites?.unplaced
        options.curves = curves?.unplaced
        options.signatureAlgorithms = signatureAlgorithms?.unplaced
        options.clientSignatureAlgorithms = clientSignatureAlgorithms?.unplaced
        options.applicationProtocolsWord = applicationProtocolsWord?.unplaced
        options.authorities = authorities?.unplaced
        options.revocations = revocations?.unplaced
        return options
    }
}

extension CertificateSource {
    fileprivate var unplaced: CertificateSource {
        switch self {
        case .certificate(let word): .certificate(word.unplaced)
        case .defaultCertificate(let word): .defaultCertificate(word.unplaced)
        case .list(let word): .list(word.unplaced)
        }
    }
}

extension TLSListenerOptions {
    var unplaced: TLSListenerOptions {
        var options = self
        options.protocol = `protocol`.unplaced
        options.sources = sources.map(\.unplaced)
        options.hiddenAuthorities = hiddenAuthorities?.unplaced
        options.ticketKeys = ticketKeys?.unplaced
        return options
    }
}

extension CertificateListEntry {
    var unplaced: CertificateListEntry {
        var entry = self
        entry.certificate = certificate.unplaced
        entry.filters = filters.map(\.unplaced)
        entry.options.protocol = options.protocol.unplaced
        entry.options.hiddenAuthorities = options.hiddenAuthorities?.unplaced
        entry.options.certificate = options.certificate?.unplaced
        entry.options.key = options.key?.unplaced
        entry.options.ocsp = options.ocsp?.unplaced
        entry.options.issuer = options.issuer?.unplaced
        entry.options.timestamps = options.timestamps?.unplaced
        return entry
    }
}

extension TLSDefaults {
    /// What contexts depend on, of listeners and of servers.
    private var common: TLSDefaults {
        var defaults = self
        defaults.responseUpdates = ResponseUpdateSettings()
        defaults.issuersFolder = issuersFolder?.unplaced
        defaults.dhParameters = dhParameters?.unplaced
        defaults.libraryWord = libraryWord?.unplaced
        return defaults
    }

    var ofListeners: TLSDefaults {
        var defaults = common
        defaults.bind = bind.unplaced
        (defaults.server, defaults.serverVerification) = (TLSProtocolOptions(), .required)
        return defaults
    }

    var ofServers: TLSDefaults {
        var defaults = common
        defaults.server = server.unplaced
        (defaults.bind, defaults.dhParameters) = (TLSListenerOptions(), nil)
        return defaults
    }
}

extension TrustSource {
    /// The files, each with its kind.
    private var words: [(TrustKind, Word)] {
        [(.authorities, authorities), (.authorities, hiddenAuthorities), (.revocations, revocations)]
            .compactMap { kind, word in word.map { (kind, $0) } }
    }

    var unplaced: TrustSource {
        TrustSource(
            authorities: authorities?.unplaced, hiddenAuthorities: hiddenAuthorities?.unplaced,
            revocations: revocations?.unplaced, folder: folder)
    }

    /// Whether users in the store before check with the same files as they would now.
    func isKept(in certificates: CertificateStore) throws(ConfigProblem) -> Bool {
        for (kind, word) in words {
            let file = try certificates.trust.file(kind, word, folder: folder)
            guard certificates.isKept(kind, file.name) else { return false }
        }
        return true
    }
}
