// What a client's first message says that its certificate is chosen by: the name that it asks for, and the signatures that it can
// check. OpenSSL has parsed the message, and shows its extensions in the call-back for it.

internal import Basics
internal import COpenSSL

struct HelloChoice {
    /// In lower case; nil: the client asks for no name.
    let serverName: String?
    let abilities: ClientAbilities

    /// Nil if an extension is malformed.
    /// - Parameter speaks13: whether TLS 1.3 may be chosen, whose ciphers fit every certificate.
    init?(_ ssl: OpaquePointer, speaks13: Bool) {
        if let contents = unsafe Self.contents(of: UInt32(TLSEXT_TYPE_server_name), ssl) {
            guard let name = Self.hostName(contents) else { return nil }
            serverName = name
        } else {
            serverName = nil
        }
        guard var abilities = unsafe Self.abilities(ssl) else { return nil }
        // A client may check such signatures, and have no cipher in which it would meet one.
        if abilities.ecdsa { abilities.ecdsa = unsafe Self.hasCipher(ssl, speaks13) }
        self.abilities = abilities
    }

    private static func contents(of type: UInt32, _ ssl: OpaquePointer) -> [UInt8]? {
        var start: UnsafePointer<UInt8>?
        var length = 0
        guard unsafe SSL_client_hello_get0_ext(ssl, type, &start, &length) == 1 else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: start, count: length))
    }

    /// RFC 6066 section 3: a list with one name, of the type for host names.
    static func hostName(_ contents: [UInt8]) -> String? {
        guard contents.count > 5, Int(contents[0]) << 8 | Int(contents[1]) == contents.count - 2, contents[2] == 0
        else { return nil }
        let length = Int(contents[3]) << 8 | Int(contents[4])
        guard length > 0, length <= 255, length <= contents.count - 5 else { return nil }
        let name = contents[5..<5 + length]
        guard !name.contains(0) else { return nil }
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    /// RFC 8446 section 4.2.3. A client that does not say is older than the extension, and knows RSA.
    private static func abilities(_ ssl: OpaquePointer) -> ClientAbilities? {
        guard let contents = unsafe contents(of: UInt32(TLSEXT_TYPE_signature_algorithms), ssl) else {
            return ClientAbilities(rsa: true)
        }
        return abilities(contents)
    }

    static func abilities(_ contents: [UInt8]) -> ClientAbilities? {
        guard contents.count >= 2, contents.count % 2 == 0,
            Int(contents[0]) << 8 | Int(contents[1]) == contents.count - 2
        else { return nil }
        var abilities = ClientAbilities()
        for i in stride(from: 2, to: contents.count, by: 2) {
            switch (contents[i], contents[i + 1]) {
            case (_, 1), (8, 4...6), (8, 9...11): abilities.rsa = true
            case (_, 3): abilities.ecdsa = true
            default: break
            }
        }
        return abilities
    }

    /// Whether one of the client's ciphers that is ours as well goes with ECDSA.
    private static func hasCipher(_ ssl: OpaquePointer, _ speaks13: Bool) -> Bool {
        var start: UnsafePointer<UInt8>?
        let length = unsafe SSL_client_hello_get0_ciphers(ssl, &start)
        guard let start = unsafe start else { return false }
        let ours = unsafe SSL_get_ciphers(ssl)
        for i in stride(from: 0, to: length - 1, by: 2) {
            guard let cipher = unsafe SSL_CIPHER_find(ssl, start + i), unsafe copenssl_has_cipher(ours, cipher) == 1
            else { continue }
            switch unsafe SSL_CIPHER_get_auth_nid(cipher) {
            case NID_auth_ecdsa: return true
            case NID_auth_any where speaks13: return true
            default: break
            }
        }
        return false
    }
}
