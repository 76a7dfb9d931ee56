// Which OpenSSL runs: for `-vv` and for conditions about it (`openssl_version_atleast`, `ssllib_name_startswith`). And what it does with
// memory that had keys.

internal import COpenSSL

public enum TLSLibrary {
    /// Makes OpenSSL overwrite what it frees while keys are read. Call it at the start of the program, before anything else uses OpenSSL.
    public static func wipeFreedKeys() {
        precondition(copenssl_install_wiping() == 1, "OpenSSL has memory already")
    }

    /// Runs `body`, of which OpenSSL leaves nothing in memory that it has freed.
    static func wiping<R>(_ body: () -> R) -> R {
        copenssl_wipe_frees(1)
        defer { copenssl_wipe_frees(0) }
        return body()
    }

    /// Name, version and date of the library that runs, `OpenSSL 3.0.17 1 Jul 2025`.
    public static let name = unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))

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

    /// Likewise of the one whose declarations Portico was built with.
    public static let builtWith = OPENSSL_VERSION_TEXT
}
