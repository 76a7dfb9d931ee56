// What `global` says of TLS: defaults of both sides, folders, limits, and how OpenSSL is set up.

public import Basics
public import Configuration
internal import Reactor

/// The settings of `global` for TLS.
public struct TLSDefaults: SectionSettings, Equatable {
    /// `ssl-default-bind-*`
    public var bind = TLSListenerOptions()
    /// `ssl-default-server-*`
    public var server = TLSProtocolOptions()
    /// `ssl-server-verify`
    public var serverVerification = TLSVerification.required
    /// `ca-base`, `crt-base`, `key-base`: the folders of relative paths.
    public var authoritiesFolder: String?
    public var certificatesFolder: String?
    public var keysFolder: String?
    /// Which files beside a certificate are read with it (`ssl-load-extra-files`).
    public var companions = CertificateCompanions.all
    /// `ssl-load-extra-del-ext`: the companions' endings take the place of the certificate's.
    public var companionsReplaceEnding = false
    /// `issuers-chain-path`: a folder of certificates that complete chains.
    public var issuersFolder: Word?
    /// `ssl-skip-self-issued-ca`: the root is left out of chains that are completed.
    public var skipsSelfIssued = false
    /// `ssl-dh-param-file`
    public var dhParameters: Word?
    /// Bits of the numbers for ciphers with DHE, where nothing else says (`tune.ssl.default-dh-param`); nil: as the key.
    public var dhBits: Int?
    /// Sessions that the cache of all listeners holds together (`tune.ssl.cachesize`); 0: none.
    public var sessionsMax = 20_000
    /// How long a session may be continued (`tune.ssl.lifetime`).
    public var sessionLifetime = TimeSpan.seconds(300)
    /// Bytes of a client's hello that are kept for samples (`tune.ssl.capture-buffer-size`).
    public var helloBytesMax = 0
    /// `tune.ssl.keylog`
    public var keepsSecrets = false
    /// Bytes in a record at most; nil: as the flow of data suggests (`tune.ssl.maxrecord`).
    public var recordBytesMax: Int?
    /// A bound that holds however the data flow (`tune.ssl.hard-maxrecord`).
    public var recordBytesLimit: Int?
    /// `ssl-security-level`
    public var securityLevel: Int?
    /// `ocsp-update.*`
    public var responseUpdates = ResponseUpdateSettings()
    /// The last line that chooses among OpenSSL's algorithms (`ssl-provider`, `ssl-propquery`).
    var libraryWord: Word?
    /// `noktls`: as `ktls off` on all lines.
    public var forbidsKernel = false

    public init() {}

    /// Whether a line with these options asks the system to encrypt.
    func asksForSystemEncryption(_ options: TLSProtocolOptions) -> Bool { options.usesKernel == true && !forbidsKernel }

    /// Whether the system does: elsewhere each handshake would ask it in vain.
    func encryptsBySystem(_ options: TLSProtocolOptions) -> Bool {
        asksForSystemEncryption(options) && LinuxKernel.canEncrypt
    }
}

/// The kinds of files beside a certificate.
public struct CertificateCompanions: OptionSet, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `.rsa`, `.ecdsa` and `.dsa` for a name without a file of its own.
    public static let bundle = CertificateCompanions(rawValue: 1)
    public static let timestamps = CertificateCompanions(rawValue: 2)
    public static let ocsp = CertificateCompanions(rawValue: 4)
    public static let issuer = CertificateCompanions(rawValue: 8)
    public static let key = CertificateCompanions(rawValue: 16)
    public static let all: CertificateCompanions = [.bundle, .timestamps, .ocsp, .issuer, .key]

    /// The words of `ssl-load-extra-files`.
    static let words: KeyValuePairs<String, CertificateCompanions> = [
        "none": [], "all": .all, "bundle": .bundle, "sctl": .timestamps, "ocsp": .ocsp, "issuer": .issuer, "key": .key,
    ]
}
