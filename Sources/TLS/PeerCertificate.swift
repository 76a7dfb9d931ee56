// What certificates say, the peer's and our own, for samples: whole (DER), in parts, and the names in them (RFC 5280).

internal import Basics
internal import COpenSSL

/// Whose certificate it is.
public enum CertificateOwner: Sendable {
    case peer
    case own
}

/// A part of a certificate, as bytes or text.
public enum CertificatePart: Sendable {
    case whole, serial, sha1
    /// When it ends and begins: YYMMDDhhmmss and Z.
    case notAfter, notBefore
    case signatureAlgorithm, keyAlgorithm
    /// The names beside the subject's, as `DNS:a.example, IP Address:192.0.2.1`.
    case alternativeNames
}

/// A name in a certificate or behind it.
public enum CertificateName: Sendable {
    case subject, issuer
    /// The subject of the certificate at the end of the chain, as it was verified.
    case root
}

extension TLSEngine {
    /// Appends a part of a certificate. False if there is no certificate, or no such part.
    public func append(_ part: CertificatePart, of owner: CertificateOwner, to out: inout [UInt8]) -> Bool {
        guard let certificate = unsafe certificate(of: owner) else { return false }
        switch part {
        case .whole: return unsafe out.append(derOf: certificate)
        case .serial:
            guard let serial = unsafe X509_get0_serialNumber(certificate) else { return false }
            return unsafe out.append(bytes: ASN1_STRING_get0_data(serial), Int(ASN1_STRING_length(serial)))
        case .sha1:
            return unsafe out.append(atMost: Int(EVP_MAX_MD_SIZE)) { room, _ in
                var size: UInt32 = 0
                return unsafe X509_digest(certificate, EVP_sha1(), room, &size) == 1 ? Int(size) : 0
            }
        case .notAfter: return unsafe out.append(time: X509_get0_notAfter(certificate))
        case .notBefore: return unsafe out.append(time: X509_get0_notBefore(certificate))
        case .signatureAlgorithm:
            return unsafe out.append(text: OBJ_nid2sn(X509_get_signature_nid(certificate)))
        case .keyAlgorithm:
            var algorithm: OpaquePointer?
            guard let key = unsafe X509_get_X509_PUBKEY(certificate),
                unsafe X509_PUBKEY_get0_param(&algorithm, nil, nil, nil, key) == 1
            else { return false }
            return unsafe out.append(text: OBJ_nid2sn(OBJ_obj2nid(algorithm)))
        case .alternativeNames: return unsafe out.append(alternativeNamesOf: certificate)
        }
    }

    /// Appends the kind of key in our own certificate and its bits: `RSA2048`, `EC256`. False if there is no certificate.
    public func appendKeyDescription(to out: inout [UInt8]) -> Bool {
        guard let certificate = unsafe certificate(of: .own), let key = unsafe X509_get0_pubkey(certificate) else {
            return false
        }
        let kind =
            switch unsafe EVP_PKEY_get_base_id(key) {
            case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: "RSA"
            case EVP_PKEY_EC: "EC"
            case EVP_PKEY_DSA: "DSA"
            default: "UNDEF"
            }
        out += Array((kind + "\(unsafe EVP_PKEY_get_bits(key))").utf8)
        return true
    }

    /// The version that the certificate has, 3 usually; nil if there is no certificate.
    public func certificateVersion(of owner: CertificateOwner) -> Int? {
        unsafe certificate(of: owner).map { unsafe X509_get_version($0) + 1 }
    }

    /// Appends the certificates that the peer has sent, one behind the other; on the side of a server, which knows the client's own
    /// certificate apart, those behind it. False if there are none, as in a connection that goes on with an earlier session.
    public func appendPeerChain(to out: inout [UInt8]) -> Bool {
        guard let chain = unsafe SSL_get_peer_cert_chain(ssl) else { return false }
        let start = out.count
        for i in 0..<(unsafe OPENSSL_sk_num(chain)) {
            guard let element = unsafe OPENSSL_sk_value(chain, i) else { continue }
            _ = unsafe out.append(derOf: OpaquePointer(element))
        }
        return out.count > start
    }

    /// Appends the numbers of the policies under which the peer's certificate was issued, with commas and blanks between. False if there are
    /// none.
    public func appendPolicies(to out: inout [UInt8]) -> Bool {
        let start = out.count
        unsafe forEachPolicy { id in
            let mark = out.count
            if mark > start { out += [UInt8(ascii: ","), UInt8(ascii: " ")] }
            let isThere = unsafe out.append(numberOf: id)
            if !isThere { out.removeLast(out.count - mark) }
        }
        return out.count > start
    }

    /// Whether the peer's certificate was issued under the policy of this number.
    public func hasPolicy(_ wanted: RawSpan) -> Bool {
        var isFound = false
        var text: [UInt8] = []
        unsafe forEachPolicy { id in
            text.removeAll(keepingCapacity: true)
            if unsafe text.append(numberOf: id), text.ends(with: wanted, from: 0) { isFound = true }
        }
        return isFound
    }

    private func forEachPolicy(_ body: (OpaquePointer) -> Void) {
        guard let certificate = unsafe certificate(of: .peer),
            let found = unsafe X509_get_ext_d2i(certificate, NID_certificate_policies, nil, nil)
        else { return }
        let policies = OpaquePointer(found)
        defer { unsafe CERTIFICATEPOLICIES_free(policies) }
        for i in 0..<(unsafe OPENSSL_sk_num(policies)) {
            // Safe: the stack is one of such.
            guard let element = unsafe OPENSSL_sk_value(policies, i),
                let id = unsafe element.assumingMemoryBound(to: POLICYINFO.self).pointee.policyid
            else { continue }
            unsafe body(id)
        }
    }

    /// The certificate; nil if there is none. A peer's that was refused counts.
    func certificate(of owner: CertificateOwner) -> OpaquePointer? {
        switch owner {
        case .own: return unsafe SSL_get_certificate(ssl)
        case .peer:
            return unsafe SSL_get0_peer_certificate(ssl) ?? notes.verification.certificate?.pointer
        }
    }
}

extension TLSEngine {
    /// Appends a name: `/C=FR/O=Example`, or as RFC 2253 writes it, the last entry first. False if it is not there, or a zero byte is in
    /// it, behind which another name may hide.
    public func append(
        _ name: CertificateName, of owner: CertificateOwner, asRFC2253 isRFC2253: Bool, to out: inout [UInt8]
    ) -> Bool {
        guard let name = unsafe find(name, of: owner) else { return false }
        let start = out.count
        guard unsafe isRFC2253 ? out.append(rfc2253: name) : out.append(oneLine: name) else {
            out.removeLast(out.count - start)
            return false
        }
        return true
    }

    /// Appends an entry of a name. False if it is not there, or a zero byte is in it.
    /// - Parameters:
    ///   - type: `CN` say, or the number of one that has no short name.
    ///   - occurrence: 1 for the first of several, -1 for the last.
    public func append(
        entry type: RawSpan, _ occurrence: Int, of name: CertificateName, of owner: CertificateOwner,
        to out: inout [UInt8]
    ) -> Bool {
        guard let name = unsafe find(name, of: owner) else { return false }
        let count = Int(unsafe X509_NAME_entry_count(name))
        var left = occurrence.magnitude
        // There is no such place, and HAProxy finds nothing there.
        if left == 0 { return false }
        for step in 0..<count {
            let place = occurrence < 0 ? count - 1 - step : step
            guard let entry = unsafe X509_NAME_get_entry(name, Int32(place)) else { continue }
            // The type is written where the value will stand.
            let start = out.count
            let isWanted = unsafe out.append(typeOf: entry) && out.ends(with: type, from: start)
            out.removeLast(out.count - start)
            guard isWanted else { continue }
            left -= 1
            if left > 0 { continue }
            if unsafe out.append(valueOf: entry) { return true }
            out.removeLast(out.count - start)
            return false
        }
        return false
    }

    private func find(_ name: CertificateName, of owner: CertificateOwner) -> OpaquePointer? {
        switch name {
        case .subject: return unsafe certificate(of: owner).flatMap { unsafe X509_get_subject_name($0) }
        case .issuer: return unsafe certificate(of: owner).flatMap { unsafe X509_get_issuer_name($0) }
        case .root:
            guard unsafe SSL_get_verify_result(ssl) == Int(X509_V_OK), let chain = unsafe SSL_get0_verified_chain(ssl)
            else { return nil }
            let count = unsafe OPENSSL_sk_num(chain)
            guard count > 0, let last = unsafe OPENSSL_sk_value(chain, count - 1) else { return nil }
            return unsafe X509_get_subject_name(OpaquePointer(last))
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(derOf certificate: OpaquePointer) -> Bool {
        var bytes: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_X509(certificate, &bytes)
        defer { unsafe CRYPTO_free(bytes, "", 0) }
        return unsafe append(bytes: bytes, Int(length))
    }

    /// YYMMDDhhmmss and Z. A year of four digits is cut only where that leaves it certain.
    fileprivate mutating func append(time: UnsafePointer<ASN1_TIME>?) -> Bool {
        guard let time = unsafe time, let data = unsafe ASN1_STRING_get0_data(time) else { return false }
        let length = Int(unsafe ASN1_STRING_length(time))
        guard unsafe ASN1_STRING_type(time) == V_ASN1_GENERALIZEDTIME else { return unsafe append(bytes: data, length) }
        guard length > 2, unsafe data[0] == 0x32, unsafe data[1] == 0x30 else { return false }
        return unsafe append(bytes: data + 2, length - 2)
    }

    /// The short name of an entry's type, or its number.
    fileprivate mutating func append(typeOf entry: OpaquePointer) -> Bool {
        guard let object = unsafe X509_NAME_ENTRY_get_object(entry) else { return false }
        let number = unsafe OBJ_obj2nid(object)
        return unsafe number == NID_undef ? append(numberOf: object) : append(text: OBJ_nid2sn(number))
    }

    /// An object's number: `1.3.6.1.4.1`.
    fileprivate mutating func append(numberOf object: OpaquePointer) -> Bool {
        // No number in use is longer; one that is would be cut, so it is left out.
        let room = 256
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { bytes in
            let length = unsafe OBJ_obj2txt(bytes.baseAddress, Int32(room), object, 1)
            guard length > 0, length < Int32(room) else { return false }
            return unsafe append(text: bytes.baseAddress)
        }
    }

    /// False if a zero byte is in it.
    fileprivate mutating func append(valueOf entry: OpaquePointer) -> Bool {
        guard let value = unsafe X509_NAME_ENTRY_get_data(entry) else { return false }
        let start = count
        switch unsafe ASN1_STRING_type(value) {
        case V_ASN1_BMPSTRING, V_ASN1_UNIVERSALSTRING:
            var bytes: UnsafeMutablePointer<UInt8>?
            let length = unsafe ASN1_STRING_to_UTF8(&bytes, value)
            guard length >= 0 else { return false }
            defer { unsafe CRYPTO_free(bytes, "", 0) }
            _ = unsafe append(bytes: bytes, Int(length))
        default: _ = unsafe append(bytes: ASN1_STRING_get0_data(value), Int(ASN1_STRING_length(value)))
        }
        return !self[start...].contains(0)
    }

    /// Whether the bytes from `start` on are those of `text`.
    fileprivate func ends(with text: RawSpan, from start: Int) -> Bool {
        guard count - start == text.byteCount else { return false }
        for i in 0..<text.byteCount where self[start + i] != text[i] { return false }
        return true
    }

    /// `/C=FR/O=Example/CN=a.example`.
    mutating func append(oneLine name: OpaquePointer) -> Bool {
        for i in 0..<(unsafe X509_NAME_entry_count(name)) {
            guard let entry = unsafe X509_NAME_get_entry(name, i) else { continue }
            append(UInt8(ascii: "/"))
            guard unsafe append(typeOf: entry) else { return false }
            append(UInt8(ascii: "="))
            guard unsafe append(valueOf: entry) else { return false }
        }
        return true
    }

    fileprivate mutating func append(rfc2253 name: OpaquePointer) -> Bool {
        for i in 0..<(unsafe X509_NAME_entry_count(name)) {
            guard let entry = unsafe X509_NAME_get_entry(name, i) else { continue }
            var value: [UInt8] = []
            guard unsafe value.append(valueOf: entry) else { return false }
        }
        return unsafe append(printing: { unsafe X509_NAME_print_ex($0, name, 0, copenssl_rfc2253()) >= 0 })
    }

    mutating func append(alternativeNamesOf certificate: OpaquePointer) -> Bool {
        let place = unsafe X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)
        guard place >= 0, let names = unsafe X509_get_ext(certificate, place) else { return false }
        return unsafe append(printing: { unsafe X509V3_EXT_print($0, names, 0, 0) == 1 })
    }

    /// Appends what `print` writes into a BIO of memory; false if it fails.
    mutating func append(printing print: (OpaquePointer) -> Bool) -> Bool {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { return false }
        defer { unsafe BIO_free_all(memory) }
        guard unsafe print(memory) else { return false }
        var bytes: UnsafeMutablePointer<CChar>?
        let length = unsafe copenssl_memory(memory, &bytes)
        guard let bytes = unsafe bytes else { return false }
        return unsafe append(bytes: UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), length)
    }
}
