// Which OpenSSL runs: for `-vv` and for conditions about it (`openssl_version_atleast`, `ssllib_name_startswith`).

internal import COpenSSL

public enum TLSLibrary {
    /// Name, version and date of the library that runs, `OpenSSL 3.0.17 1 Jul 2025`.
    public static let name = unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))

    /// Likewise of the one whose declarations Portico was built with.
    public static let builtWith = OPENSSL_VERSION_TEXT
}
