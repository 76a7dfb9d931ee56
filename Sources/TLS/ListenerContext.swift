// The contexts of a listener: one that all of its connections begin with, and one for each certificate, to which a connection goes
// over once the client has said what it wants. Both are set up here, so that nothing differs but what a file makes differ.

internal import Basics
internal import COpenSSL
internal import Configuration

/// Everything that the contexts of one line, or of one entry of a crt-list, are made with.
struct ContextSettings: Sendable {
    var options: TLSProtocolOptions
    var defaults: TLSDefaults
    /// The protocols above TLS that Portico speaks here; nil: it passes on whatever it is.
    var spoken: SpokenProtocols?
    var prefersClientCiphers = false
    var trust: TrustStore?
    var trustSource = TrustSource()
    /// Whether clients are told which authorities are trusted.
    var announcesAuthorities = true
    var protocols: ApplicationProtocols?
    var dhParameters: SharedParameters?

    /// Without a line: what Mozilla's guidelines for servers call intermediate, without the slow exchange of keys by numbers alone.
    static let defaultCiphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    /// Older versions have no better ones; who allows these versions asks for them.
    private static let oldCiphers =
        ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"

    /// A new context with all but a certificate.
    func makeContext() throws(ConfigProblem) -> TLSContext {
        let context = TLSContext(.server)
        if let level = defaults.securityLevel { unsafe SSL_CTX_set_security_level(context.pointer, Int32(level)) }
        context.allow(options.versions)
        try applyLists(to: context)
        var flags: UInt64 = 0
        if !prefersClientCiphers {
            // Of a client whose first choice is ChaCha20, which is fast without help of the processor, that is respected.
            flags |= copenssl_server_preference | copenssl_prioritize_chacha
        }
        if options.usesTickets == false { flags |= copenssl_no_ticket }
        _ = unsafe SSL_CTX_set_options(context.pointer, flags)
        if options.usesTickets == false {
            // TLS 1.3 would send the name of a session in the cache instead; clients continue sessions all the same.
            unsafe SSL_CTX_set_num_tickets(context.pointer, 1)
        }
        useParameters(in: context)
        protocols?.use(in: context)
        if let trust {
            trust.use(in: context)
            if announcesAuthorities { trust.announceNames(in: context) }
        }
        if defaults.keepsSecrets { context.keepSecrets() }
        if defaults.encryptsBySystem(options) { context.encryptBySystem() }
        context.boundRecords(defaults)
        let name = sessionContext
        _ = unsafe SSL_CTX_set_session_id_context(context.pointer, name, UInt32(name.count))
        return context
    }

    /// A session may be continued only where clients are checked in the same way, with the same files as they are now: else who was let in
    /// without a certificate, or by an authority that is not trusted any more, could go on where that is not enough.
    var sessionContext: [UInt8] {
        let digests = unsafe trust?.digests ?? []
        return ListenerMaker.digest(Array((options.verification ?? .none).rawValue.utf8) + digests)
    }

    private func applyLists(to context: TLSContext) throws(ConfigProblem) {
        if let ciphers = options.ciphers {
            try AlgorithmList.ciphers.apply(ciphers, to: context)
        } else {
            let isOld = options.versions.allowed.contains { $0 < .tls12 }
            _ = unsafe SSL_CTX_set_cipher_list(context.pointer, Self.defaultCiphers + (isOld ? Self.oldCiphers : ""))
        }
        // Groups without a line are OpenSSL's: X25519 first, and some more than are usual, which a client has to ask for.
        let others: [(Word?, AlgorithmList)] = [
            (options.curves, .curves), (options.cipherSuites, .cipherSuites),
            (options.signatureAlgorithms, .signatureAlgorithms),
            (options.clientSignatureAlgorithms, .clientSignatureAlgorithms),
        ]
        for (word, list) in others { if let word { try list.apply(word, to: context) } }
    }

    /// Ciphers with DHE need parameters: of a file, or made to fit the key where `tune.ssl.default-dh-param` is written.
    private func useParameters(in context: TLSContext) {
        if let dhParameters {
            dhParameters.use(in: context)
        } else if defaults.dhBits != nil {
            context.control(SSL_CTRL_SET_DH_AUTO, 1)
        }
    }

    /// What OpenSSL is to do about client certificates.
    var verifyMode: Int32 {
        switch options.verification ?? .none {
        case .none: SSL_VERIFY_NONE
        case .optional: SSL_VERIFY_PEER
        case .required: SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        }
    }
}

/// Parameters for ciphers with DHE that several contexts use.
@safe
final class SharedParameters: Sendable {
    // Safe: not changed after it was made.
    nonisolated(unsafe) private let pointer: OpaquePointer
    /// What the file was when it was read.
    let signature: FileSignature

    /// Reads a file (`ssl-dh-param-file`).
    init(_ word: Word) throws(ConfigProblem) {
        signature = FileSignature([word.place(of: word.text)])
        do throws(FileRefusal) {
            let blocks = try PEMBlock.all(in: try SecretFile.read(word.place(of: word.text)))
            guard let parameters = unsafe blocks.first(where: \.areParameters)?.parameters() else {
                throw FileRefusal.refused("there are no DH PARAMETERS in PEM")
            }
            unsafe pointer = parameters
        } catch {
            throw ConfigProblem("'\(word.text)': \(error.text)", at: word.range)
        }
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    func use(in context: TLSContext) { unsafe Self.use(pointer, in: context) }

    /// OpenSSL takes over a reference where it accepts the parameters.
    static func use(_ parameters: OpaquePointer, in context: TLSContext) {
        _ = unsafe EVP_PKEY_up_ref(parameters)
        if unsafe SSL_CTX_set0_tmp_dh_pkey(context.pointer, parameters) != 1 {
            unsafe EVP_PKEY_free(parameters)
            ERR_clear_error()
            return
        }
        // OpenSSL would prefer parameters that it makes to fit the key.
        context.control(SSL_CTRL_SET_DH_AUTO, 0)
    }
}

extension Certificate {
    /// Makes a context show this certificate. Throws OpenSSL's reason, such as a key that is too short for the level of security.
    func use(in context: TLSContext) throws(CertificateProblem) {
        ERR_clear_error()
        guard unsafe SSL_CTX_use_certificate(context.pointer, leaf) == 1,
            unsafe SSL_CTX_use_PrivateKey(context.pointer, key) == 1
        else {
            let reason = TLSFault.text(of: ERR_peek_error())
            ERR_clear_error()
            throw CertificateProblem(name, "OpenSSL refuses the certificate: \(reason)")
        }
        // swift-format-ignore
        for unsafe certificate in unsafe chain {
            _ = unsafe copenssl_add_chain_certificate(context.pointer, certificate)
        }
        if let parameters = unsafe parameters { unsafe SharedParameters.use(parameters, in: context) }
        ERR_clear_error()
    }
}
