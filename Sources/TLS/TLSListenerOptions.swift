// What the parameters of a `bind` line say of TLS, as written; `TLSListener` is made of it.

public import Configuration

/// The TLS of one `bind` line.
public struct TLSListenerOptions: Sendable, Equatable {
    /// `ssl`: connections here are encrypted.
    public var isOn = false
    public var `protocol` = TLSProtocolOptions()
    /// Certificates in the order of the line.
    public var sources: [CertificateSource] = []
    /// `strict-sni`; nil where the line does not say.
    public var isStrict: Bool?
    /// `prefer-client-ciphers`
    public var prefersClientCiphers: Bool?
    /// Authorities that certificates are checked with and whose names are not told to clients (`ca-verify-file`).
    public var hiddenAuthorities: Word?
    /// `no-ca-names`
    public var hidesAuthorityNames = false
    /// Faults of client certificates, and of those that signed them, that are overlooked.
    public var ignoredFaults = VerificationFaults()
    public var ignoredAuthorityFaults = VerificationFaults()
    /// `tls-ticket-keys`
    public var ticketKeys: Word?

    public init() {}

    /// Takes over what `global` says where the line says nothing. Once: what `global` says further down is for lines below it.
    mutating func fill(from defaults: TLSListenerOptions) {
        guard !`protocol`.isFilled else { return }
        `protocol` = `protocol`.filled(from: defaults.protocol)
        isStrict = isStrict ?? defaults.isStrict
        prefersClientCiphers = prefersClientCiphers ?? defaults.prefersClientCiphers
    }

    /// Where the line gives certificates; nil if it does not.
    var firstSource: Word? { sources.first?.word }
}

/// Where a line says that certificates are.
public enum CertificateSource: Sendable, Equatable {
    /// `crt`: a file, a folder, or a certificate of a crt-store.
    case certificate(Word)
    /// `default-crt`: as `crt`, for clients that name no server, or an unknown one.
    case defaultCertificate(Word)
    /// `crt-list`
    case list(Word)

    public var word: Word {
        switch self {
        case .certificate(let word), .defaultCertificate(let word), .list(let word): word
        }
    }
}

/// A set of faults that the check of a certificate may find, by OpenSSL's numbers.
public struct VerificationFaults: Sendable, Equatable {
    /// `all`
    public var isAll = false
    private var numbers: Set<Int32> = []

    public init() {}

    public func contains(_ number: Int32) -> Bool { isAll || numbers.contains(number) }

    /// Reads `all`, or numbers and names with commas between.
    init(_ word: Word) throws(ConfigProblem) {
        for part in word.text.split(separator: ",", omittingEmptySubsequences: false) {
            if part == "all" {
                isAll = true
            } else if let number = Int32(part) ?? CertificateError.number(named: String(part)), number > 0 {
                numbers.insert(number)
            } else {
                throw ConfigProblem(
                    "'\(part)' is no fault of a certificate", at: word.range,
                    expected: "all, or numbers or names of OpenSSL with commas between: X509_V_ERR_CERT_HAS_EXPIRED,18")
            }
        }
    }
}
