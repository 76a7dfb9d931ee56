// The context of Portico's side of connections to servers: algorithms, versions and protocols, who may sign servers' certificates, and
// the certificate that servers may ask for.

internal import COpenSSL
internal import Configuration

/// Everything that the contexts of one `server` line are made with.
struct UpstreamSettings: Sendable {
    /// With those of `global` where the line says nothing.
    let options: TLSProtocolOptions
    let defaults: TLSDefaults
    let allowsRenegotiation: Bool
    let keepsSessions: Bool
    let encryptsBySystem: Bool
    /// What servers' certificates are checked with; nil if they are not, or what it is made of is not read yet.
    private(set) var trust: TrustStore?
    let source: TrustSource
    /// What is offered by ALPN, best first; nil for nothing.
    let protocols: ProtocolList?

    /// What the line says. The files that it names are not read: `readTrust` does that.
    /// - Parameters:
    ///   - spoken: the protocols above TLS that Portico speaks with this server.
    ///   - range: where the server is declared, for problems that no word of the line is to blame for.
    init(
        _ line: TLSUpstreamOptions, _ defaults: TLSDefaults, spoken: SpokenProtocols?, at range: SourceRange
    ) throws(ConfigProblem) {
        self.defaults = defaults
        options = line.protocol.isFilled ? line.protocol : line.protocol.filled(from: defaults.server)
        protocols = ProtocolList(options.applicationProtocols ?? spoken?.standard ?? [], spoken: spoken)
        allowsRenegotiation = line.allowsRenegotiation
        keepsSessions = line.reusesSessions
        encryptsBySystem = defaults.encryptsBySystem(options)
        guard (options.verification ?? defaults.serverVerification) != TLSVerification.none else {
            source = TrustSource()
            return
        }
        guard options.authorities != nil else {
            throw ConfigProblem(
                "the server's certificate cannot be checked without the authorities that sign it", at: range,
                expected: "ca-file @system-ca for those of this system, ca-file <file>, or verify none")
        }
        source = TrustSource(
            authorities: options.authorities, revocations: options.revocations, folder: defaults.authoritiesFolder)
    }

    private var checksServers: Bool { source.authorities != nil }

    /// Reads what servers' certificates are checked with, unless that is known.
    mutating func readTrust(_ files: TrustFiles) throws(ConfigProblem) {
        if checksServers { trust = try source.makeStore(files) }
    }

    /// Whether another reading's settings, which may not have read their files yet, say the same.
    func saySame(as other: UpstreamSettings) -> Bool {
        options.unplaced == other.options.unplaced && defaults.ofServers == other.defaults.ofServers
            && allowsRenegotiation == other.allowsRenegotiation && keepsSessions == other.keepsSessions
            && protocols?.bytes == other.protocols?.bytes && source.unplaced == other.source.unplaced
    }

    /// Whether servers are checked with the file of this name.
    func checks(with kind: TrustKind, _ name: String) -> Bool { source.uses(kind, name) }

    /// The same with the files as they are now.
    func renewed(_ files: TrustFiles) throws(ConfigProblem) -> UpstreamSettings {
        var renewed = self
        try renewed.readTrust(files)
        return renewed
    }

    /// A context with all but a certificate. Throws what OpenSSL refuses of the line.
    func makeContext() throws(ConfigProblem) -> TLSContext {
        let context = TLSContext(.client)
        if let level = defaults.securityLevel { unsafe SSL_CTX_set_security_level(context.pointer, Int32(level)) }
        context.allow(options.versions)
        let lists: [(Word?, AlgorithmList)] = [
            (options.ciphers, .ciphers), (options.cipherSuites, .cipherSuites), (options.curves, .curves),
            (options.signatureAlgorithms, .signatureAlgorithms),
            (options.clientSignatureAlgorithms, .clientSignatureAlgorithms),
        ]
        for (word, list) in lists { if let word { try list.apply(word, to: context) } }
        if options.ciphers == nil { unsafe SSL_CTX_set_cipher_list(context.pointer, Self.defaultCiphers) }
        if options.usesTickets == false { _ = unsafe SSL_CTX_set_options(context.pointer, copenssl_no_ticket) }
        if allowsRenegotiation { _ = unsafe SSL_CTX_clear_options(context.pointer, copenssl_no_renegotiation) }
        if let protocols { context.offer(protocols) }
        if let trust {
            trust.use(in: context)
            unsafe SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER) { unsafe TLSEngine.judge($0, $1) }
        }
        if keepsSessions { context.collectSessions() }
        if encryptsBySystem { context.encryptBySystem() }
        if defaults.keepsSecrets { context.keepSecrets() }
        context.boundRecords(defaults)
        return context
    }

    /// Ciphers of TLS 1.2 that authenticate what they encrypt. Those without forward secrecy come last: some servers have no others.
    private static let defaultCiphers =
        "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:RSA+AESGCM:!aNULL:!PSK:!SRP"
}

extension TLSContext {
    /// Offers the protocols by ALPN.
    fileprivate func offer(_ list: ProtocolList) {
        _ = unsafe SSL_CTX_set_alpn_protos(pointer, list.bytes, UInt32(list.bytes.count))
    }

    /// Hands sessions that servers give to the place that the engine has for them. OpenSSL keeps none itself: it would not tell names apart.
    fileprivate func collectSessions() {
        control(SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
        unsafe SSL_CTX_sess_set_new_cb(pointer) { ssl, session in
            if let session = unsafe session, let place = unsafe TLSEngine.of(ssl)?.notes.sessions {
                unsafe place.keep(session)
            }
            // OpenSSL keeps its reference: what is kept is a copy.
            return 0
        }
    }
}

/// A list of protocols as the hello has it: each name with its length before it.
struct ProtocolList {
    let bytes: [UInt8]
    let hasHTTP2: Bool
    let hasHTTP1: Bool

    /// Returns nil if none of the protocols is left.
    /// - Parameter spoken: those that Portico speaks; others are left out.
    init?(_ protocols: [[UInt8]], spoken: SpokenProtocols?) {
        let offered = protocols.filter { spoken?.contains($0) ?? true }
        guard !offered.isEmpty else { return nil }
        bytes = offered.flatMap { [UInt8($0.count)] + $0 }
        hasHTTP2 = spoken != nil && offered.contains(SpokenProtocols.http2)
        hasHTTP1 = offered.contains(SpokenProtocols.http11)
    }

    /// Exactly these, of which there may be none.
    init(_ protocols: [[UInt8]]) {
        bytes = protocols.flatMap { [UInt8($0.count)] + $0 }
        hasHTTP2 = protocols.contains(SpokenProtocols.http2)
        hasHTTP1 = protocols.contains(SpokenProtocols.http11)
    }
}
