// The one list of the families of samples: a family is a file beside this one, and its four lines here.

internal import Configuration

/// A family of samples: a type whose values are the samples, compiled.
protocol SampleFamily: SampleRows {
    /// The value; nil if there is none. A sample of several values goes on from `cursor`.
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue?

    /// The message whose head it looks at, in rules about `side`; nil if it looks at none.
    func head(in side: MessageSide) -> MessageSide?
}

/// What brings rows into the table of samples.
protocol SampleRows: Sendable, SendableMetatype {
    static var rows: [SampleRow] { get }
}

extension SampleFamily {
    func head(in side: MessageSide) -> MessageSide? { nil }
}

/// A sample, compiled. Calls go straight to its family: no existential is on the way.
enum Sample: Sendable {
    case constant(ConstantSample)
    case process(ProcessSample)
    case connection(ConnectionSample)
    case connectionState(ConnectionStateSample)
    case transport(TransportSample)
    case handshake(HandshakeSample)
    case encryption(EncryptionSample)
    case certificate(CertificateSample)
    case capturedHello(CapturedHelloSample)
    case site(SiteSample)
    case timeout(TimeoutSample)
    case exchange(ExchangeSample)
    case timer(TimerSample)
    case capture(CaptureSample)
    case request(RequestSample)
    case hash(HashSample)
    case field(FieldSample)
    case head(HeadSample)
    case cookie(CookieSample)
    case parameter(ParameterSample)
    case login(LoginSample)
    case body(BodySample)
    case payload(PayloadSample)
    case hello(HelloSample)
    case remoteDesktop(RemoteDesktopSample)
    case variable(VariableSample)
    case list(ListSample)

    /// All families, in the order of the manual.
    static let families: [any SampleRows.Type] = [
        ConstantSample.self, ProcessSample.self, ConnectionSample.self, ConnectionStateSample.self,
        TransportSample.self, HandshakeSample.self, SiteSample.self, TimeoutSample.self, ExchangeSample.self,
        TimerSample.self, CaptureSample.self, RequestSample.self, HashSample.self, FieldSample.self,
        HeadSample.self, CookieSample.self, ParameterSample.self, LoginSample.self, BodySample.self,
        PayloadSample.self, HelloSample.self, RemoteDesktopSample.self, VariableSample.self, ListSample.self,
        EncryptionSample.self, CertificateSample.self, CapturedHelloSample.self,
    ]

    @inline(__always)
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _ cursor: inout SampleCursor) -> SampleValue? {
        switch self {
        case .constant(let sample): sample.fetch(context, program, &cursor)
        case .process(let sample): sample.fetch(context, program, &cursor)
        case .connection(let sample): sample.fetch(context, program, &cursor)
        case .connectionState(let sample): sample.fetch(context, program, &cursor)
        case .transport(let sample): sample.fetch(context, program, &cursor)
        case .handshake(let sample): sample.fetch(context, program, &cursor)
        case .encryption(let sample): sample.fetch(context, program, &cursor)
        case .certificate(let sample): sample.fetch(context, program, &cursor)
        case .capturedHello(let sample): sample.fetch(context, program, &cursor)
        case .site(let sample): sample.fetch(context, program, &cursor)
        case .timeout(let sample): sample.fetch(context, program, &cursor)
        case .exchange(let sample): sample.fetch(context, program, &cursor)
        case .timer(let sample): sample.fetch(context, program, &cursor)
        case .capture(let sample): sample.fetch(context, program, &cursor)
        case .request(let sample): sample.fetch(context, program, &cursor)
        case .hash(let sample): sample.fetch(context, program, &cursor)
        case .field(let sample): sample.fetch(context, program, &cursor)
        case .head(let sample): sample.fetch(context, program, &cursor)
        case .cookie(let sample): sample.fetch(context, program, &cursor)
        case .parameter(let sample): sample.fetch(context, program, &cursor)
        case .login(let sample): sample.fetch(context, program, &cursor)
        case .body(let sample): sample.fetch(context, program, &cursor)
        case .payload(let sample): sample.fetch(context, program, &cursor)
        case .hello(let sample): sample.fetch(context, program, &cursor)
        case .remoteDesktop(let sample): sample.fetch(context, program, &cursor)
        case .variable(let sample): sample.fetch(context, program, &cursor)
        case .list(let sample): sample.fetch(context, program, &cursor)
        }
    }

    func head(in side: MessageSide) -> MessageSide? {
        switch self {
        case .constant(let sample): sample.head(in: side)
        case .process(let sample): sample.head(in: side)
        case .connection(let sample): sample.head(in: side)
        case .connectionState(let sample): sample.head(in: side)
        case .transport(let sample): sample.head(in: side)
        case .handshake(let sample): sample.head(in: side)
        case .encryption(let sample): sample.head(in: side)
        case .certificate(let sample): sample.head(in: side)
        case .capturedHello(let sample): sample.head(in: side)
        case .site(let sample): sample.head(in: side)
        case .timeout(let sample): sample.head(in: side)
        case .exchange(let sample): sample.head(in: side)
        case .timer(let sample): sample.head(in: side)
        case .capture(let sample): sample.head(in: side)
        case .request(let sample): sample.head(in: side)
        case .hash(let sample): sample.head(in: side)
        case .field(let sample): sample.head(in: side)
        case .head(let sample): sample.head(in: side)
        case .cookie(let sample): sample.head(in: side)
        case .parameter(let sample): sample.head(in: side)
        case .login(let sample): sample.head(in: side)
        case .body(let sample): sample.head(in: side)
        case .payload(let sample): sample.head(in: side)
        case .hello(let sample): sample.head(in: side)
        case .remoteDesktop(let sample): sample.head(in: side)
        case .variable(let sample): sample.head(in: side)
        case .list(let sample): sample.head(in: side)
        }
    }
}
