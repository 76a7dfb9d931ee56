// What a connection's handshake has agreed on, for samples and logs: version, cipher, names, keys. Nothing here changes the connection.

internal import COpenSSL
internal import Glibc

/// What is noted while a handshake runs, because OpenSSL does not keep it.
struct HandshakeNotes {
    /// What the client's hello said, where the configuration asks for it.
    var hello: CapturedHello?
    /// The secrets of TLS 1.3, with `tune.ssl.keylog on`.
    var secrets: HandshakeSecrets?
    var verification = PeerVerification()
    /// The name of the certificate that was chosen for the client; empty before that.
    var certificateName: [UInt8] = []
    /// Why the client's hello was refused; nil if it was not. Of a call-back that refuses OpenSSL says no more than that it did.
    var helloRefusal: TLSFault.Kind?
    /// Where sessions go that the server gives; nil on a client's connection.
    var sessions: SessionPlace?
}

/// A fact of bytes or text.
public enum HandshakeFact: Sendable {
    case version, cipher, curve, protocolName, serverName
    case sessionID, sessionKey, clientRandom, serverRandom
    /// The first Finished message of the handshake (RFC 5929 section 3).
    case uniqueID
    case secret(HandshakeSecret)
    case certificateName
    /// OpenSSL's text of the error that the connection failed with.
    case errorText
}

public enum HandshakeNumber: Sendable {
    /// The bits of the cipher's key, and how many of them are secret.
    case cipherBits, cipherBitsUsed
    /// OpenSSL's number of the error that the connection failed with; 0 if it has not failed.
    case error
}

public enum HandshakeFlag: Sendable {
    case isResumed, hasServerName
    /// The peer has shown a certificate in this connection; in this or in the one whose session goes on.
    case hasPeerCertificate, usesPeerCertificate
    /// Early data came, and the handshake is not complete: they may be a replay; they came at all.
    case mayBeReplayed, hadEarlyData
}

extension TLSEngine {
    /// Whether both sides have agreed on the protocol by ALPN (RFC 7301); false before the handshake is complete.
    public func hasSelected(_ protocolName: StaticString) -> Bool {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name = unsafe name, Int(length) == protocolName.utf8CodeUnitCount else { return false }
        return unsafe memcmp(name, protocolName.utf8Start, Int(length)) == 0
    }

    /// Appends the fact's bytes. False if it is not known, or there is none.
    public func append(_ fact: HandshakeFact, to out: inout [UInt8]) -> Bool {
        switch fact {
        case .version: return unsafe out.append(text: SSL_get_version(ssl))
        case .cipher: return unsafe out.append(text: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)))
        case .curve: return appendCurve(to: &out)
        case .protocolName:
            var name: UnsafePointer<UInt8>?
            var length: UInt32 = 0
            unsafe SSL_get0_alpn_selected(ssl, &name, &length)
            return unsafe out.append(bytes: name, Int(length))
        case .serverName: return unsafe out.append(text: SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
        case .sessionID:
            var length: UInt32 = 0
            guard let session = unsafe SSL_get_session(ssl) else { return false }
            let id = unsafe SSL_SESSION_get_id(session, &length)
            return unsafe out.append(bytes: id, Int(length))
        case .sessionKey:
            guard let session = unsafe SSL_get_session(ssl) else { return false }
            return unsafe out.append(atMost: Int(SSL_MAX_MASTER_KEY_LENGTH)) {
                unsafe SSL_SESSION_get_master_key(session, $0, $1)
            }
        case .clientRandom:
            return unsafe out.append(atMost: Int(SSL3_RANDOM_SIZE)) { unsafe SSL_get_client_random(ssl, $0, $1) }
        case .serverRandom:
            return unsafe out.append(atMost: Int(SSL3_RANDOM_SIZE)) { unsafe SSL_get_server_random(ssl, $0, $1) }
        case .uniqueID: return appendUniqueID(to: &out)
        case .secret(let which): return notes.secrets?.append(which, to: &out) ?? false
        case .certificateName:
            out += notes.certificateName
            return !notes.certificateName.isEmpty
        case .errorText:
            guard let code = fault?.code, code != 0 else { return false }
            return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room in
                unsafe ERR_error_string_n(code, room.baseAddress, room.count)
                return unsafe out.append(text: room.baseAddress)
            }
        }
    }

    /// nil if it is not known.
    public func number(_ what: HandshakeNumber) -> Int? {
        switch what {
        case .cipherBits:
            var bits: Int32 = 0
            guard unsafe SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), &bits) != 0 else { return nil }
            return Int(bits)
        case .cipherBitsUsed:
            let bits = unsafe SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), nil)
            return bits == 0 ? nil : Int(bits)
        case .error: return Int(bitPattern: fault?.code ?? 0)
        }
    }

    public func holds(_ what: HandshakeFlag) -> Bool {
        switch what {
        case .isResumed: isResumed
        case .hasServerName: unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != nil
        case .hasPeerCertificate: notes.verification.hasRun
        case .usesPeerCertificate: unsafe SSL_get0_peer_certificate(ssl) != nil
        case .mayBeReplayed: unsafe hadEarlyData && SSL_is_init_finished(ssl) == 0
        case .hadEarlyData: hadEarlyData
        }
    }

    /// The short name of the group in which keys were agreed on.
    private func appendCurve(to out: inout [UInt8]) -> Bool {
        // OpenSSL looks into the session without asking whether there is one.
        guard unsafe SSL_get_session(ssl) != nil else { return false }
        let group = unsafe SSL_ctrl(ssl, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, nil)
        guard group != NID_undef else { return false }
        // A group that has no number of OpenSSL's has the one of the protocol, with a bit above it.
        if group & Int(TLSEXT_nid_unknown) != 0 {
            return unsafe out.append(text: SSL_group_to_name(ssl, Int32(truncatingIfNeeded: group)))
        }
        return unsafe out.append(text: OBJ_nid2sn(Int32(truncatingIfNeeded: group)))
    }

    /// The client says Finished first in a whole handshake, the server in one that resumes a session.
    private func appendUniqueID(to out: inout [UInt8]) -> Bool {
        let isOurs = (context.side == .server) == holds(.isResumed)
        return unsafe out.append(atMost: Int(EVP_MAX_MD_SIZE)) { room, size in
            unsafe isOurs ? SSL_get_finished(ssl, room, size) : SSL_get_peer_finished(ssl, room, size)
        }
    }
}

/// The secrets of TLS 1.3 (RFC 8446 section 7.1), by which a recorded connection can be read.
public enum HandshakeSecret: Int, CaseIterable, Sendable {
    case clientEarlyTraffic, clientHandshakeTraffic, serverHandshakeTraffic, clientTraffic, serverTraffic, exporter
    case earlyExporter

    /// Its name in a file of secrets (SSLKEYLOGFILE).
    var label: StaticString {
        switch self {
        case .clientEarlyTraffic: "CLIENT_EARLY_TRAFFIC_SECRET"
        case .clientHandshakeTraffic: "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
        case .serverHandshakeTraffic: "SERVER_HANDSHAKE_TRAFFIC_SECRET"
        case .clientTraffic: "CLIENT_TRAFFIC_SECRET_0"
        case .serverTraffic: "SERVER_TRAFFIC_SECRET_0"
        case .exporter: "EXPORTER_SECRET"
        case .earlyExporter: "EARLY_EXPORTER_SECRET"
        }
    }
}

/// The secrets of one connection in hexadecimal digits, wiped when it ends.
final class HandshakeSecrets {
    private var values = [[UInt8]](repeating: [], count: HandshakeSecret.allCases.count)

    /// Takes a line of the form `label random secret`; others are left out.
    func take(line: UnsafePointer<CChar>) {
        let words = unsafe String(cString: line).split(separator: " ")
        guard words.count == 3, let secret = HandshakeSecret.allCases.first(where: { "\($0.label)" == words[0] })
        else { return }
        values[secret.rawValue] = Array(words[2].utf8)
    }

    func append(_ secret: HandshakeSecret, to out: inout [UInt8]) -> Bool {
        out += values[secret.rawValue]
        return !values[secret.rawValue].isEmpty
    }

    deinit {
        for i in values.indices {
            unsafe values[i].withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
        }
    }
}

extension TLSContext {
    /// Keeps the secrets of each connection for the samples that ask for them (`tune.ssl.keylog on`).
    func keepSecrets() {
        unsafe SSL_CTX_set_keylog_callback(pointer) { ssl, line in
            guard let line = unsafe line, let engine = unsafe TLSEngine.of(ssl) else { return }
            let secrets = engine.notes.secrets ?? HandshakeSecrets()
            engine.notes.secrets = secrets
            unsafe secrets.take(line: line)
        }
    }
}

extension [UInt8] {
    /// Appends a text that ends with a zero; false if there is none.
    mutating func append(text: UnsafePointer<CChar>?) -> Bool {
        guard let text = unsafe text else { return false }
        var end = unsafe text
        while unsafe end.pointee != 0 {
            append(UInt8(bitPattern: unsafe end.pointee))
            unsafe end += 1
        }
        return true
    }

    /// Appends bytes of OpenSSL's; false if there are none.
    mutating func append(bytes: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
        guard let bytes = unsafe bytes, count > 0 else { return false }
        unsafe append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        return true
    }

    /// Appends what `fill` writes into room for so many bytes; it returns their number. False if there are none.
    mutating func append(atMost room: Int, _ fill: (UnsafeMutablePointer<UInt8>, Int) -> Int) -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { bytes in
            guard let base = bytes.baseAddress else { return false }
            let count = unsafe Swift.min(fill(base, room), room)
            return unsafe append(bytes: base, count)
        }
    }
}
