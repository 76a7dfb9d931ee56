// What one `server` line with `ssl` does: a context for Portico's side of its connections, how the server's certificate is checked,
// and the sessions that later connections go on with.

internal import Basics
internal import COpenSSL
public import Configuration
public import Reactor

/// The TLS of one server's connections, and of its checks. All workers share it.
public final class TLSUpstream: CertificateUser {
    /// The name of `verifyhost`.
    private let verifiedName: ServerHelloName?
    /// Whether `sni` says what is asked for, rather than each request's Host: then that is the name to be verified.
    private let isNameExplicit: Bool
    private let workers: Int
    /// `allow-0rtt`
    private let allowsEarlyData: Bool

    /// What is exchanged together.
    private struct State {
        var settings: UpstreamSettings
        var context: TLSContext
        /// What servers are shown (`crt`).
        var certificate: Certificate?
        /// Nil if every connection makes a whole handshake.
        var sessions: UpstreamSessions?
    }

    /// Whether the line asks the system to encrypt (`ktls on`).
    public let asksForSystemEncryption: Bool
    /// Whether the server may choose HTTP/2, which Portico speaks then.
    public let offersHTTP2: Bool
    /// Whether ALPN offers it HTTP/1.1.
    public let offersHTTP1: Bool
    private let state: Lock<State>
    public let line: EncryptedLine?

    /// One of its own, whatever there was before.
    /// - Parameters:
    ///   - place: where the server is declared, for problems that no word of the line is to blame for.
    ///   - workers: threads that open connections.
    ///   - spoken: the protocols above TLS that Portico speaks with the server; nil: it passes on whatever it is.
    public convenience init(
        _ options: TLSUpstreamOptions, certificates: CertificateStore, workers: Int, spoken: SpokenProtocols? = nil,
        at place: SourceRange
    ) throws(ConfigProblem) {
        let settings = try UpstreamSettings(options, certificates.defaults, spoken: spoken, at: place)
        try self.init(options, settings, certificates, workers: workers, for: nil)
    }

    /// That of the server's line: the one that the store before has for it if that comes to the same, with its sessions; else a new one.
    /// - Throws: what of the line, or of a file that it names, is wrong.
    public static func make(
        _ options: TLSUpstreamOptions, for line: EncryptedLine, certificates: CertificateStore, workers: Int,
        spoken: SpokenProtocols?, at place: SourceRange
    ) throws(ConfigProblem) -> TLSUpstream {
        let settings = try UpstreamSettings(options, certificates.defaults, spoken: spoken, at: place)
        if let before = certificates.userBefore(TLSUpstream.self, of: line), before.workers == workers,
            try before.isMade(of: options, settings, certificates)
        {
            certificates.register(before)
            return before
        }
        return try TLSUpstream(options, settings, certificates, workers: workers, for: line)
    }

    /// Whether a new one would do the same. Reads the files that the line names.
    private func isMade(
        of options: TLSUpstreamOptions, _ settings: UpstreamSettings, _ certificates: CertificateStore
    ) throws(ConfigProblem) -> Bool {
        let (own, shown) = state.withLock { ($0.settings, $0.certificate?.name) }
        guard own.saySame(as: settings), isNameExplicit == (options.requestedName != nil),
            verifiedName == Self.verifiedName(options),
            try settings.source.isKept(in: certificates)
        else { return false }
        guard let word = options.certificate else { return shown == nil }
        let named = try certificates.certificate(named: word)
        return shown == named.name && certificates.isKept(certificate: named.name)
    }

    private static func verifiedName(_ options: TLSUpstreamOptions) -> ServerHelloName? {
        options.verifiedName.flatMap { ServerHelloName($0.text.verbatimBytes) }
    }

    private init(
        _ options: TLSUpstreamOptions, _ unread: UpstreamSettings, _ certificates: CertificateStore, workers: Int,
        for line: EncryptedLine?
    ) throws(ConfigProblem) {
        var settings = unread
        try settings.readTrust(certificates.trust)
        self.line = line
        offersHTTP2 = settings.protocols?.hasHTTP2 == true
        offersHTTP1 = settings.protocols?.hasHTTP1 == true
        asksForSystemEncryption = certificates.defaults.asksForSystemEncryption(settings.options)
        verifiedName = Self.verifiedName(options)
        isNameExplicit = options.requestedName != nil
        self.workers = workers
        allowsEarlyData = settings.options.allowsEarlyData == true
        let context = try settings.makeContext()
        var certificate: Certificate?
        if let word = options.certificate {
            let named = try certificates.certificate(named: word)
            do throws(CertificateProblem) { try named.use(in: context) } catch { throw error.problem(at: word) }
            certificate = named
        }
        state = Lock(
            State(
                settings: settings, context: context, certificate: certificate,
                sessions: options.reusesSessions ? UpstreamSessions(workers: workers) : nil))
        certificates.register(self)
    }

    // MARK: Exchanging

    public func uses(certificate name: String) -> Bool { state.withLock { $0.certificate?.name == name } }

    public func prepare(_ certificate: Certificate) throws(CertificateProblem) -> (@Sendable () -> Void)? {
        guard uses(certificate: certificate.name) else { return nil }
        return try prepare(state.withLock { $0.settings }, certificate)
    }

    public func uses(_ kind: TrustKind, _ name: String) -> Bool {
        state.withLock { $0.settings.checks(with: kind, name) }
    }

    public func prepare(
        _ kind: TrustKind, _ name: String, in files: TrustFiles
    ) throws(CertificateProblem) -> (@Sendable () -> Void)? {
        guard uses(kind, name) else { return nil }
        let (settings, certificate) = state.withLock { ($0.settings, $0.certificate) }
        let renewed: UpstreamSettings
        do throws(ConfigProblem) {
            renewed = try settings.renewed(files)
        } catch {
            throw CertificateProblem(name, error.message)
        }
        return try prepare(renewed, certificate)
    }

    /// Sessions end with what they began with: servers know our old certificate by them, and have been checked with the old files.
    private func prepare(
        _ settings: UpstreamSettings, _ certificate: Certificate?
    ) throws(CertificateProblem) -> (@Sendable () -> Void)? {
        let context: TLSContext
        do throws(ConfigProblem) {
            context = try settings.makeContext()
        } catch {
            throw CertificateProblem(certificate?.name ?? "", error.message)
        }
        try certificate?.use(in: context)
        return { [self] in
            state.withLock { state in
                state.settings = settings
                state.context = context
                state.certificate = certificate
                if state.sessions != nil { state.sessions = UpstreamSessions(workers: workers) }
            }
        }
    }

    // MARK: Engines

    /// An engine for a new connection.
    /// - Parameters:
    ///   - serverName: the name to ask the server for; nil for none.
    ///   - worker: of the thread that opens it: sessions are kept by thread.
    ///   - mayBeEarly: whether what will be written at once may go with the first message, where the line allows it: the server may
    ///     get it twice, or not at all (`TLSFault.Kind.earlyDataRejected`).
    ///   - protocol: the only one to offer by ALPN, as for WebSockets; nil for those of the line. With one nothing is sent early.
    public func makeEngine(
        _ socket: Socket, serverName: [UInt8]?, worker: Int, mayBeEarly: Bool = false, protocol: [UInt8]? = nil
    ) -> TLSEngine {
        let engine = makeEngine(socket, asking: serverName, isExplicit: isNameExplicit, shelf: worker)
        if let `protocol` {
            engine.offer(ProtocolList([`protocol`]))
        } else if mayBeEarly, allowsEarlyData {
            engine.allowSendingEarly()
        }
        return engine
    }

    /// An engine for the connection of a check. It goes on with no session: a check shall see the server's certificate.
    /// - Parameters:
    ///   - isExplicit: whether `check-sni` gives the name.
    ///   - protocols: those to offer by ALPN.
    public func makeCheckEngine(
        _ socket: Socket, serverName: [UInt8]?, isExplicit: Bool, protocols: [[UInt8]]
    ) -> TLSEngine {
        let engine = makeEngine(socket, asking: serverName, isExplicit: isExplicit, shelf: nil)
        engine.offer(ProtocolList(protocols))
        return engine
    }

    private func makeEngine(_ socket: Socket, asking text: [UInt8]?, isExplicit: Bool, shelf: Int?) -> TLSEngine {
        let (context, sessions, verifies) = state.withLock { ($0.context, $0.sessions, $0.settings.trust != nil) }
        let engine = TLSEngine(context, socket)
        let name = text.flatMap(ServerHelloName.init)
        if let name { engine.ask(for: name) }
        if verifies {
            if text != nil && name == nil {
                engine.verifyNoName()
            } else if let verified = isExplicit ? name ?? verifiedName : verifiedName ?? name {
                engine.verify(name: verified)
            }
        }
        if let sessions, let shelf {
            engine.notes.sessions = SessionPlace(sessions, worker: shelf, name: name)
            if let session = sessions.find(worker: shelf, name: name)?.copied() { engine.resume(session) }
        }
        return engine
    }
}

extension TLSEngine {
    /// Offers other protocols than the context does.
    fileprivate func offer(_ list: ProtocolList) {
        _ = unsafe SSL_set_alpn_protos(ssl, list.bytes, UInt32(list.bytes.count))
    }

    /// Goes on with a session, if the server still has it.
    fileprivate func resume(_ session: TLSSession) { _ = unsafe SSL_set_session(ssl, session.pointer) }
}
