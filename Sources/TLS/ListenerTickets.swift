// How OpenSSL asks for the keys of session tickets (RFC 5077), and what it does with them: AES in CBC mode, and HMAC with SHA-256.

internal import Basics
internal import COpenSSL

extension TicketKeys {
    /// Answers to OpenSSL of a call-back for tickets.
    private enum Answer {
        static let failed: Int32 = -1
        /// No such key: the client gets a whole handshake.
        static let unknown: Int32 = 0
        static let known: Int32 = 1
        /// Good, and to be replaced by a ticket with the current key.
        static let old: Int32 = 2
    }

    /// Sets up the encryption of a new ticket, or the decryption of one that a client shows.
    /// - Parameters:
    ///   - name: room for the key's name, or the name in the ticket.
    ///   - vector: room for the initialisation vector, or that of the ticket.
    ///   - isForOneUse: in TLS 1.3 each connection brings the ticket for the next one (RFC 8446 appendix C.4).
    func prepare(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
        _ digest: OpaquePointer, isNew: Bool, isForOneUse: Bool
    ) -> Int32 {
        let now = Instant.now()
        guard isNew else {
            let wanted = unsafe Array(UnsafeBufferPointer(start: name, count: TicketKey.nameBytes))
            guard let (key, isCurrent) = self.key(named: wanted, at: now) else { return Answer.unknown }
            guard unsafe key.authenticate(digest),
                unsafe EVP_DecryptInit_ex(cipher, key.method, nil, key.cipher.bytes, vector) == 1
            else { return Answer.failed }
            return isCurrent && !isForOneUse ? Answer.known : Answer.old
        }
        let key = current(at: now)
        guard unsafe RAND_bytes(vector, EVP_CIPHER_get_iv_length(key.method)) == 1,
            unsafe EVP_EncryptInit_ex(cipher, key.method, nil, key.cipher.bytes, vector) == 1,
            unsafe key.authenticate(digest)
        else { return Answer.failed }
        _ = unsafe UnsafeMutableBufferPointer(start: name, count: TicketKey.nameBytes).update(fromContentsOf: key.name)
        return Answer.known
    }

    /// Makes a context ask the keys of its listener.
    static func use(in context: TLSContext) {
        _ = unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context.pointer) { ssl, name, vector, cipher, digest, isNew in
            guard let keys = unsafe TLSListener.of(ssl)?.ticketKeys, let name = unsafe name,
                let vector = unsafe vector, let cipher = unsafe cipher, let digest = unsafe digest
            else { return Answer.failed }
            return unsafe keys.prepare(
                name, vector, cipher, digest, isNew: isNew != 0, isForOneUse: SSL_version(ssl) == TLS1_3_VERSION)
        }
    }
}

extension TicketKey {
    fileprivate var method: OpaquePointer? {
        unsafe cipher.bytes.count == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc()
    }

    /// Gives a context for HMAC the key.
    fileprivate func authenticate(_ context: OpaquePointer) -> Bool {
        unsafe copenssl_authenticate(context, digest.bytes, digest.bytes.count) == 1
    }
}
