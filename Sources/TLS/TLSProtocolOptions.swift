// What a `bind` line, a `server` line and an entry of a crt-list may all say of TLS. Words keep their place in the file, so
// that what OpenSSL or the system refuses later is reported where it is written.

public import Configuration

/// A version of the protocol, by its number on the wire.
public enum TLSVersion: UInt16, Sendable, Comparable, CaseIterable {
    case ssl3 = 0x0300
    case tls10 = 0x0301
    case tls11 = 0x0302
    case tls12 = 0x0303
    case tls13 = 0x0304

    /// The words of `ssl-min-ver` and `ssl-max-ver`.
    static let words: KeyValuePairs<String, TLSVersion> = [
        "SSLv3": .ssl3, "TLSv1.0": .tls10, "TLSv1.1": .tls11, "TLSv1.2": .tls12, "TLSv1.3": .tls13,
    ]

    /// The end of the words `no-tlsv12` and `force-tlsv12`.
    var suffix: String {
        switch self {
        case .ssl3: "sslv3"
        case .tls10: "tlsv10"
        case .tls11: "tlsv11"
        case .tls12: "tlsv12"
        case .tls13: "tlsv13"
        }
    }

    /// What peers and logs call it.
    public var name: String {
        switch self {
        case .ssl3: "SSLv3"
        case .tls10: "TLSv1"
        case .tls11: "TLSv1.1"
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }

    public static func < (a: TLSVersion, b: TLSVersion) -> Bool { a.rawValue < b.rawValue }
}

/// Which versions a line allows: `ssl-min-ver`, `ssl-max-ver`, `force-*` (which sets both) and `no-*`.
public struct TLSVersions: Sendable, Equatable {
    public var minimum: TLSVersion?
    public var maximum: TLSVersion?
    public var excluded: Set<TLSVersion> = []

    public init() {}

    /// The oldest version where no line names one.
    public static let defaultMinimum = TLSVersion.tls12

    public var isEmpty: Bool { self == TLSVersions() }

    /// The versions that are spoken. As in HAProxy `no-*` words have no effect beside a bound, and a maximum below the default
    /// minimum is the minimum too.
    public var allowed: [TLSVersion] {
        let least = minimum ?? min(maximum ?? Self.defaultMinimum, Self.defaultMinimum)
        return TLSVersion.allCases.filter { version in
            guard minimum == nil && maximum == nil else { return version >= least && version <= maximum ?? .tls13 }
            return version >= least && !excluded.contains(version)
        }
    }
}

/// What is asked of the peer's certificate.
public enum TLSVerification: String, Sendable {
    /// Not asked for, or not looked at.
    case none
    /// A client may show one; if it does, it has to be valid.
    case optional
    case required
}

/// What both sides of Portico, and entries of a crt-list, may say. Nil or empty: not said.
public struct TLSProtocolOptions: Sendable, Equatable {
    /// The ciphers of TLS 1.2 and older, in OpenSSL's notation.
    public var ciphers: Word?
    /// The cipher suites of TLS 1.3.
    public var cipherSuites: Word?
    /// The groups for key exchange, in order (`curves`, or `ecdhe` for one).
    public var curves: Word?
    /// The algorithms that this side signs with (`sigalgs`).
    public var signatureAlgorithms: Word?
    /// The algorithms that peers may sign client certificates with (`client-sigalgs`).
    public var clientSignatureAlgorithms: Word?
    public var versions = TLSVersions()
    /// The protocols of `alpn` in order; empty after `no-alpn`, nil where neither is written.
    public var applicationProtocols: [[UInt8]]?
    /// Where `alpn` is written.
    public var applicationProtocolsWord: Word?
    /// The authorities of the peer: a file, a folder, or `@system-ca`.
    public var authorities: Word?
    /// Certificates that were withdrawn (`crl-file`).
    public var revocations: Word?
    public var verification: TLSVerification?
    /// `tls-tickets`, `no-tls-tickets`
    public var usesTickets: Bool?
    /// `allow-0rtt`
    public var allowsEarlyData: Bool?
    /// `ktls`: the system encrypts where it can.
    public var usesKernel: Bool?
    /// Whether the line has the defaults of `global` already: those above it.
    var isFilled = false

    public init() {}

    /// These options, and those of `defaults` for what they do not say.
    public func filled(from defaults: TLSProtocolOptions) -> TLSProtocolOptions {
        var filled = self
        filled.isFilled = true
        filled.ciphers = ciphers ?? defaults.ciphers
        filled.cipherSuites = cipherSuites ?? defaults.cipherSuites
        filled.curves = curves ?? defaults.curves
        filled.signatureAlgorithms = signatureAlgorithms ?? defaults.signatureAlgorithms
        filled.clientSignatureAlgorithms = clientSignatureAlgorithms ?? defaults.clientSignatureAlgorithms
        filled.versions.minimum = versions.minimum ?? defaults.versions.minimum
        filled.versions.maximum = versions.maximum ?? defaults.versions.maximum
        filled.versions.excluded.formUnion(defaults.versions.excluded)
        filled.applicationProtocols = applicationProtocols ?? defaults.applicationProtocols
        filled.applicationProtocolsWord = applicationProtocolsWord ?? defaults.applicationProtocolsWord
        filled.authorities = authorities ?? defaults.authorities
        filled.revocations = revocations ?? defaults.revocations
        filled.verification = verification ?? defaults.verification
        filled.usesTickets = usesTickets ?? defaults.usesTickets
        filled.allowsEarlyData = allowsEarlyData ?? defaults.allowsEarlyData
        filled.usesKernel = usesKernel ?? defaults.usesKernel
        return filled
    }
}
