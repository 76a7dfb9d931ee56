// What operators may look at and change of a running configuration's TLS: its certificates, and the listeners that show them.

internal import Basics
public import Configuration

/// The TLS of a running configuration.
public struct EncryptionState: Sendable {
    /// A listener and where the configuration has it.
    public struct Place: Sendable {
        /// The frontend's name.
        public let frontend: String
        public let line: SourceRange
        public let listener: TLSListener

        public init(frontend: String, line: SourceRange, listener: TLSListener) {
            self.frontend = frontend
            self.line = line
            self.listener = listener
        }
    }

    public let certificates: CertificateStore
    /// In the order of the configuration.
    public let listeners: [Place]

    /// Without any TLS, where nothing is given.
    public init(_ certificates: CertificateStore = CertificateStore(), _ listeners: [Place] = []) {
        self.certificates = certificates
        self.listeners = listeners
    }
}

/// The end of a certificate, for tables.
public struct CertificateEnd: Sendable, Equatable {
    public let name: String
    /// Seconds since 1970.
    public let validUntil: Int64
    public let hostNames: [String]

    public init(name: String, validUntil: Int64, hostNames: [String]) {
        self.name = name
        self.validUntil = validUntil
        self.hostNames = hostNames
    }
}

extension EncryptionState {
    /// All certificates that peers are shown, the first to end first.
    public var ends: [CertificateEnd] {
        certificates.names.filter { certificates.status(of: $0) == .used }
            .compactMap { certificates.certificate(of: $0) }
            .map { CertificateEnd(name: $0.name, validUntil: $0.validUntil, hostNames: $0.hostNames) }
            .sorted { $0.validUntil < $1.validUntil }
    }
}
