// An entry of a listener: a certificate, the options of its line, and the context that these two make; and how a connection goes over
// to it.

internal import Basics
internal import COpenSSL
internal import Configuration

/// What an entry is made of; the certificate may be exchanged.
struct EntryPlan: Sendable {
    var certificate: Certificate
    /// What names it in the configuration.
    let word: Word
    var settings: ContextSettings
    /// The names of its line; empty: those in the certificate.
    let filters: [ServerName]
    /// Clients that no entry is for get this one.
    var isDefault: Bool
    /// Options of its own, which connections that began with the listener's have to take over.
    let hasOwnVersions: Bool
    let hasOwnCurves: Bool
    /// The line of a crt-list that it is from; nil for another kind of line.
    var line: ListLine?
}

/// A line of a crt-list.
struct ListLine: Sendable, Equatable {
    let path: String
    let number: Int
    /// Options, in brackets, and names, as they are written.
    let text: String
}

final class CertificateEntry: Sendable {
    let plan: EntryPlan
    let context: TLSContext

    init(_ plan: EntryPlan, of listener: TLSListener) throws(CertificateProblem) {
        self.plan = plan
        do throws(ConfigProblem) {
            context = try plan.settings.makeContext()
        } catch {
            throw CertificateProblem(plan.certificate.name, error.message)
        }
        try plan.certificate.use(in: context)
        keepCertificate()
        stapleResponses()
        if plan.certificate.timestamps != nil { sendTimestamps() }
        listener.mark(context)
    }

    /// The names that this entry is for.
    var names: [ServerName] {
        let own = plan.filters.isEmpty ? plan.certificate.hostNames.compactMap { ServerName($0) } : plan.filters
        guard plan.isDefault, let any = ServerName("*"), !own.contains(where: \.isDefault) else { return own }
        return own + [any]
    }

    /// Makes a connection one of this entry, in the call-back for its client's hello.
    func take(_ ssl: OpaquePointer) {
        // What a connection has from the context that it began with stays, but for certificate, ciphers and call-backs.
        _ = unsafe SSL_set_SSL_CTX(ssl, context.pointer)
        unsafe TLSEngine.of(ssl)?.notes.certificateName = Array(plan.certificate.name.utf8)
        unsafe SSL_set_verify(ssl, plan.settings.verifyMode) { unsafe TLSListener.judge($0, $1) }
        if plan.hasOwnVersions, let least = plan.settings.options.versions.allowed.first,
            let most = plan.settings.options.versions.allowed.last
        {
            _ = unsafe copenssl_set_connection_versions(ssl, Int32(least.rawValue), Int32(most.rawValue))
        }
        if plan.hasOwnCurves, let curves = plan.settings.options.curves {
            _ = unsafe copenssl_set_groups(ssl, curves.text)
        }
        let takesEarlyData = plan.settings.options.allowsEarlyData == true
        _ = unsafe SSL_set_max_early_data(ssl, takesEarlyData ? TLSListener.earlyDataMax : 0)
        // Else each session could be continued once only, and only by the process that gave it. Who must not act twice says
        // `http-request wait-for-handshake`, and servers say 425 (RFC 8470).
        if takesEarlyData { _ = unsafe SSL_set_options(ssl, copenssl_no_anti_replay) }
    }

    // Safe: made once; the call-back only gives up what the context held.
    private static let ownedCertificate = unsafe CRYPTO_get_ex_new_index(
        CRYPTO_EX_INDEX_SSL_CTX, 0, nil, nil, nil,
        { _, certificate, _, _, _, _ in
            if let certificate = unsafe certificate { unsafe Unmanaged<Certificate>.fromOpaque(certificate).release() }
        })

    /// Makes the context hold the certificate: a connection whose handshake is under way when the entry is exchanged keeps the context,
    /// whose call-backs need it.
    private func keepCertificate() {
        unsafe SSL_CTX_set_ex_data(
            context.pointer, Self.ownedCertificate, Unmanaged.passRetained(plan.certificate).toOpaque())
    }

    // MARK: What is sent along

    /// Sends the certificate's OCSP response to clients that ask for one (RFC 6066 section 8), while it is valid. It may have none yet.
    private func stapleResponses() {
        let this = unsafe Unmanaged.passUnretained(plan.certificate).toOpaque()
        unsafe copenssl_set_status_callback(context.pointer) { ssl, data in
            guard let data = unsafe data else { return SSL_TLSEXT_ERR_NOACK }
            // Safe: the context holds the certificate.
            let certificate = unsafe Unmanaged<Certificate>.fromOpaque(data).takeUnretainedValue()
            guard let ocsp = certificate.ocsp, ocsp.isCurrent,
                unsafe copenssl_staple(ssl, ocsp.bytes, ocsp.bytes.count) == 1
            else { return SSL_TLSEXT_ERR_NOACK }
            return SSL_TLSEXT_ERR_OK
        }
        _ = unsafe SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB_ARG, 0, this)
    }

    private static let timestampsExtension: UInt32 = 18

    /// Sends the certificate's signed timestamps (RFC 6962 section 3.3.1).
    private func sendTimestamps() {
        let this = unsafe Unmanaged.passUnretained(plan.certificate).toOpaque()
        let places = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE
        _ = unsafe SSL_CTX_add_custom_ext(
            context.pointer, Self.timestampsExtension, UInt32(places),
            { _, _, _, out, length, _, depth, _, data in
                // Only with the first certificate of a chain.
                guard depth == 0, let data = unsafe data else { return 0 }
                let certificate = unsafe Unmanaged<Certificate>.fromOpaque(data).takeUnretainedValue()
                guard let timestamps = certificate.timestamps else { return 0 }
                let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: timestamps.count)
                _ = unsafe copy.initialize(from: timestamps)
                unsafe out?.pointee = unsafe UnsafePointer(copy.baseAddress)
                unsafe length?.pointee = timestamps.count
                return 1
            },
            { _, _, _, out, _ in unsafe out?.deallocate() }, this,
            { _, _, _, _, _, _, _, _, _ in 1 }, nil)
    }
}
