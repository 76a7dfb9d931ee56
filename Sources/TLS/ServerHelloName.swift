// The name that a server is asked for: what may be sent (RFC 6066 section 3), and what a certificate is compared with.

internal import Basics
internal import COpenSSL

/// A host name, or an IP address, of a server.
struct ServerHelloName: Sendable, Hashable {
    /// Without brackets and without a dot at the end; in the case in which it was written, as HAProxy sends it.
    let bytes: [UInt8]
    /// The address, if it is one: certificates have addresses apart from names, and the hello has none at all.
    let address: IPAddress?

    /// The longest that OpenSSL sends, which is that of a name in DNS too.
    static let bytesMax = 255

    /// Returns nil for what cannot be a name: it is empty or too long, or has a blank, a control character or a zero in it.
    init?(_ text: [UInt8]) {
        var text = text[...]
        if text.first == 0x5B, text.last == 0x5D { text = text.dropFirst().dropLast() }
        if text.last == 0x2E { text = text.dropLast() }
        guard !text.isEmpty, text.count <= Self.bytesMax, text.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            return nil
        }
        bytes = Array(text)
        address = IPAddress(String(decoding: bytes, as: UTF8.self))
    }
}

extension TLSEngine {
    /// Asks for a name. Addresses are not sent: the hello has no place for them (RFC 6066 section 3).
    func ask(for name: ServerHelloName) {
        guard name.address == nil else { return }
        _ = unsafe name.withCString { unsafe copenssl_set_server_name(ssl, $0) }
    }

    /// Refuses a certificate that is not for the name.
    func verify(name: ServerHelloName) {
        let parameters = unsafe SSL_get0_param(ssl)
        unsafe X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        let isSet = unsafe name.withCString {
            name.address == nil
                ? unsafe X509_VERIFY_PARAM_set1_host(parameters, $0, 0)
                : unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, $0)
        }
        // No memory, or an address with a scope: no certificate will do.
        if isSet != 1 { verifyNoName() }
    }

    /// Refuses every certificate, since what the server is to be asked for is no name: `.invalid` belongs to no server (RFC 2606).
    func verifyNoName() {
        _ = unsafe X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), "no-name.invalid", 0)
    }
}

extension ServerHelloName {
    /// Passes the name as a C string, which it can always be.
    fileprivate func withCString<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        unsafe (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { characters in
            guard let start = characters.baseAddress else { preconditionFailure("a name with its end is not empty") }
            return unsafe body(start)
        }
    }
}
