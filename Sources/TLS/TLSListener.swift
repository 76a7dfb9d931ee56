// What one `bind` line with `ssl` does: its certificates by name, the context that connections begin with, session tickets and cache.
// Certificates are exchanged while connections go on; all else is fixed when it is made.

internal import Basics
internal import COpenSSL
public import Configuration
public import Reactor

/// The TLS of one `bind` line. All workers use it at once.
public final class TLSListener: CertificateUser {
    /// Bytes of early data that a client may send: a request's head has to fit, and what is more waits in memory.
    static let earlyDataMax: UInt32 = 16_384

    /// The line's options, with those of `global` where it says nothing.
    public let options: TLSListenerOptions
    /// Nil without tickets.
    public let ticketKeys: TicketKeys?
    /// Whether the line asks the system to encrypt (`ktls on`).
    public let asksForSystemEncryption: Bool
    /// The crt-lists and folders of certificates that the line names.
    let lists: [String]
    public let line: EncryptedLine?
    let origin: ListenerOrigin
    let root: ContextSettings
    private let context: TLSContext
    /// Whether some certificate's line, or this one, has `allow-0rtt`.
    private let takesEarlyData: Bool

    struct Table {
        var entries: [CertificateEntry] = []
        var names = ServerNames<CertificateEntry>()
        /// What entries without options of their own are made with.
        var settings: ContextSettings
    }

    let table: Lock<Table>

    /// A listener of its own, whatever there was before.
    public convenience init(
        _ options: TLSListenerOptions, at word: Word, defaults: TLSDefaults, certificates: CertificateStore,
        spoken: SpokenProtocols? = nil
    ) throws(ConfigProblem) {
        let draft = try ListenerDraft(
            options, at: word, defaults: defaults, certificates: certificates, spoken: spoken)
        try self.init(draft, for: nil, keys: try draft.ticketKeys(after: nil))
    }

    /// - Parameter keys: those of its tickets; nil without tickets.
    /// - Throws: what OpenSSL refuses of the line, or of a certificate.
    init(_ draft: ListenerDraft, for line: EncryptedLine?, keys: TicketKeys?) throws(ConfigProblem) {
        options = draft.options
        root = draft.root
        lists = draft.lists
        origin = draft.origin
        self.line = line
        ticketKeys = keys
        asksForSystemEncryption = root.defaults.asksForSystemEncryption(options.protocol)
        table = Lock(Table(settings: root))
        context = try root.makeContext()
        takesEarlyData = draft.plans.contains { $0.settings.options.allowsEarlyData == true }
        context.captureHellos(
            HelloCapture(listBytesMax: root.defaults.helloBytesMax, hasFingerprint: origin.hasFingerprints))
        setUpRoot(root.defaults)
        do throws(CertificateProblem) {
            let made = try makeTable(draft.plans, root)
            table.withLock { $0 = made }
        } catch {
            throw error.problem(at: draft.word)
        }
        draft.certificates.register(self)
    }

    /// Makes the engine of a connection that was accepted.
    public func makeEngine(_ socket: Socket) -> TLSEngine {
        let engine = TLSEngine(context, socket)
        engine.keeper = self
        if takesEarlyData { engine.allowEarlyData() }
        return engine
    }

    /// The certificates that it shows, in the order of the file, each with the word that names it.
    public var namedCertificates: [(certificate: Certificate, word: Word)] {
        table.withLock { $0.entries.map { ($0.plan.certificate, $0.plan.word) } }
    }

    // MARK: Contexts

    private func setUpRoot(_ defaults: TLSDefaults) {
        mark(context)
        unsafe SSL_CTX_set_client_hello_cb(
            context.pointer,
            { ssl, alert, _ in
                guard let ssl = unsafe ssl, let listener = unsafe TLSListener.of(ssl) else {
                    return SSL_CLIENT_HELLO_ERROR
                }
                guard let refusal = unsafe listener.choose(ssl) else { return SSL_CLIENT_HELLO_SUCCESS }
                unsafe TLSEngine.of(ssl)?.notes.helloRefusal = refusal
                unsafe alert?.pointee = refusal == .malformedHello ? SSL_AD_DECODE_ERROR : SSL_AD_UNRECOGNIZED_NAME
                return SSL_CLIENT_HELLO_ERROR
            }, nil)
        if ticketKeys != nil { TicketKeys.use(in: context) }
        // OpenSSL's cache belongs to the context, and so to all threads. It forgets the oldest where it is full; looking for expired
        // ones now and then would hold up the connection that is under way then.
        let mode = defaults.sessionsMax > 0 ? SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_AUTO_CLEAR : SSL_SESS_CACHE_OFF
        context.control(SSL_CTRL_SET_SESS_CACHE_MODE, Int(mode))
        if defaults.sessionsMax > 0 { context.control(SSL_CTRL_SET_SESS_CACHE_SIZE, defaults.sessionsMax) }
        _ = unsafe SSL_CTX_set_timeout(context.pointer, Int(defaults.sessionLifetime.wholeMilliseconds / 1_000))
        unsafe SSL_CTX_set_verify(context.pointer, root.verifyMode) { unsafe TLSListener.judge($0, $1) }
        _ = unsafe SSL_CTX_set_max_early_data(context.pointer, takesEarlyData ? Self.earlyDataMax : 0)
    }

    // Safe: made once, before any connection.
    private static let index = copenssl_new_context_index()

    /// Lets call-backs find this listener by the context of a connection.
    func mark(_ context: TLSContext) {
        unsafe SSL_CTX_set_ex_data(context.pointer, Self.index, Unmanaged.passUnretained(self).toOpaque())
    }

    /// The listener of a connection whose handshake calls back.
    static func of(_ ssl: OpaquePointer?) -> TLSListener? {
        guard let ssl = unsafe ssl, let context = unsafe SSL_get_SSL_CTX(ssl),
            let data = unsafe SSL_CTX_get_ex_data(context, index)
        else { return nil }
        // Safe: the connection's engine holds the listener, also when the plan is gone that it was made for.
        return unsafe Unmanaged<TLSListener>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: The choice

    /// Gives a connection the certificate that its client asks for. Returns why the client gets none, nil if it gets one.
    private func choose(_ ssl: OpaquePointer) -> TLSFault.Kind? {
        let speaks13 = root.options.versions.allowed.contains(.tls13)
        guard let choice = unsafe HelloChoice(ssl, speaks13: speaks13) else { return .malformedHello }
        let names = table.withLock { $0.names }
        var entry = choice.serverName.flatMap { names.entry(for: $0, choice.abilities) }
        if entry == nil, options.isStrict != true { entry = names.defaultEntry(choice.abilities) }
        guard let entry else { return choice.serverName == nil ? .noName : .unknownName }
        unsafe entry.take(ssl)
        return nil
    }

    /// Answers OpenSSL about each certificate of a client's chain: 1 to go on.
    static func judge(_ isGood: Int32, _ store: OpaquePointer?) -> Int32 {
        guard let store = unsafe store,
            let ssl = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let listener = unsafe TLSListener.of(OpaquePointer(ssl))
        else { return 0 }
        let options = listener.options
        return unsafe TLSEngine.judge(isGood, store) { fault, depth in
            (depth > 0 ? options.ignoredAuthorityFaults : options.ignoredFaults).contains(fault)
        }
    }
}
