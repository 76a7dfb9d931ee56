// Which OpenSSL runs: for `-vv` and for conditions about it (`openssl_version_atleast`, `ssllib_name_startswith`). And what it does with
// memory that had keys.

internal import COpenSSL
internal import Configuration

public enum TLSLibrary {
    /// Makes OpenSSL overwrite what it frees while keys are read. Call it at the start of the program, before anything else uses OpenSSL:
    /// where a library that was loaded before has done so, nothing changes.
    public static func wipeFreedKeys() { _ = copenssl_install_wiping() }

    /// Runs `body`, of which OpenSSL leaves nothing in memory that it has freed.
    static func wiping<R>(_ body: () -> R) -> R {
        copenssl_wipe_frees(1)
        defer { copenssl_wipe_frees(0) }
        return body()
    }

    /// Name, version and date of the library that runs, `OpenSSL 3.0.17 1 Jul 2025`.
    public static let name = unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))

    /// Whether it keeps to the algorithms of FIPS, as its own configuration file may say.
    public static var keepsToFIPS: Bool { EVP_default_properties_is_fips_enabled(nil) == 1 }

    /// The names of the providers of algorithms that it has loaded.
    public static var providers: [String] {
        // The names are in the order of loading.
        nonisolated(unsafe) var names: [String] = []
        unsafe withUnsafeMutablePointer(to: &names) { names in
            _ = unsafe OSSL_PROVIDER_do_all(
                nil,
                { provider, data in
                    if let name = unsafe OSSL_PROVIDER_get0_name(provider) {
                        unsafe data?.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
                    }
                    return 1
                }, names)
        }
        return unsafe names
    }

    /// Throws if the providers and the query that a file names leave OpenSSL without what TLS needs. The rest of the file is then
    /// checked with OpenSSL's own choice.
    static func checkAlgorithms(chosenBy word: Word) throws(ConfigProblem) {
        defer { ERR_clear_error() }
        var byte: UInt8 = 0
        let digest = unsafe EVP_MD_fetch(nil, "SHA256", nil)
        let context = unsafe SSL_CTX_new(TLS_method())
        defer {
            unsafe EVP_MD_free(digest)
            unsafe SSL_CTX_free(context)
        }
        guard unsafe digest == nil || context == nil || RAND_bytes(&byte, 1) != 1 else { return }
        _ = unsafe EVP_set_default_properties(nil, "")
        _ = unsafe OSSL_PROVIDER_load(nil, "default")
        throw ConfigProblem(
            "OpenSSL's algorithms that are left by 'ssl-provider' and 'ssl-propquery' are not enough for TLS",
            at: word.range,
            expected: "a provider that has them, such as 'ssl-provider default'")
    }

    /// Likewise of the one whose declarations Portico was built with.
    public static let builtWith = OPENSSL_VERSION_TEXT
}
