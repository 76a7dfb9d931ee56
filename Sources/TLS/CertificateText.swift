// Certificates, revocation lists and OCSP responses as the runtime commands show them, in HAProxy's layout.

internal import Basics
internal import COpenSSL

extension CertificateStore {
    /// Appends the lines of `show ssl cert` about one certificate.
    /// - Returns: false if no certificate has this name.
    public func appendDetails(of name: String, to out: inout [UInt8]) -> Bool {
        guard let status = status(of: name) else { return false }
        out.append("Filename: \(name)\n")
        appendFiles(of: name, to: &out)
        out.append("Status: \(status.rawValue)\n")
        guard let certificate = certificate(of: name) else { return true }
        unsafe out.append(details: certificate.leaf, chain: certificate.chain, from: certificate.chainPath)
        if certificate.ocsp != nil, let identity = certificate.identity {
            out.append("OCSP Response Key: \(identity.inHexadecimal)\n")
        }
        return true
    }

    /// The same of the certificate that is being changed.
    public func appendTransaction(_ name: String, to out: inout [UInt8]) -> Bool {
        guard let draft = state.withLock({ $0.draft }), let found = place(named: name), found.piece == .bundle,
            draft.name == found.name
        else { return false }
        out.append("Filename: *\(draft.name)\n")
        guard let leaf = unsafe draft.parts.leaf else {
            out.append("Status: Empty\n")
            return true
        }
        out.append("Status: Uncommitted\n")
        unsafe out.append(details: leaf, chain: draft.parts.chain)
        return true
    }

    private func appendFiles(of name: String, to out: inout [UInt8]) {
        guard let files = files(of: name) else { return }
        if files.path != name { out.append("Crt filename: \(files.path)\n") }
        let others: KeyValuePairs = [
            "Key": files.key, "OCSP": files.ocsp, "OCSP Issuer": files.issuer, "SCTL": files.timestamps,
        ]
        for (label, path) in others { if let path { out.append("\(label) filename: \(path)\n") } }
    }

    /// Appends the lines of `show ssl ca-file` or `show ssl crl-file` about one file.
    /// - Parameters:
    ///   - index: only this certificate or list of it, from 1.
    ///   - isDraft: the one that is being changed.
    /// - Returns: false if no certificate has this name.
    public func appendDetails(
        of kind: TrustKind, _ name: String, index: Int?, isDraft: Bool, to out: inout [UInt8]
    ) -> Bool {
        let found = isDraft ? openTransaction(kind) : trust.file(kind, name)
        guard let file = found, file.name == name else { return false }
        out.append("Filename: \(isDraft ? "*" : "")\(name)\n")
        out.append("Status: \(isDraft ? "Uncommitted" : status(of: kind, name)?.rawValue ?? "")\n")
        for number in 0..<file.count where index == nil || index == number + 1 {
            switch kind {
            case .authorities:
                out.append(" \nCertificate #\(number + 1):\n")
                unsafe out.append(details: file.certificates[number], chain: [])
            case .revocations:
                out.append(" \nCertificate Revocation List #\(number + 1):\n")
                unsafe out.append(revocationList: file.lists[number])
            }
        }
        return true
    }
}

extension Certificate {
    /// `rsa`, `ecdsa`, or `dsa` and whatever else there is.
    public var kindName: String {
        switch kind {
        case .rsa: "rsa"
        case .ecdsa: "ecdsa"
        case .other: unsafe EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA ? "dsa" : "other"
        }
    }

    /// `Jun 13 13:37:21 2024 GMT`.
    public var endText: String { Self.text { unsafe $0.append(date: X509_get0_notAfter(leaf)) } }
    public var beginningText: String { Self.text { unsafe $0.append(date: X509_get0_notBefore(leaf)) } }

    private static func text(_ fill: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        fill(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    /// - Parameter path: the file of the folder of issuers that the chain is from.
    fileprivate mutating func append(
        details certificate: OpaquePointer, chain: [OpaquePointer], from path: String? = nil
    ) {
        append("Serial: ")
        unsafe append(hex: X509_get0_serialNumber(certificate))
        append("\nnotBefore: ")
        unsafe append(date: X509_get0_notBefore(certificate))
        append("\nnotAfter: ")
        unsafe append(date: X509_get0_notAfter(certificate))
        append("\nSubject Alternative Name: ")
        _ = unsafe append(alternativeNamesOf: certificate)
        append("\nAlgorithm: \(unsafe Self.algorithm(of: certificate))\nSHA1 FingerPrint: ")
        unsafe append(fingerprintOf: certificate)
        append("\nSubject: ")
        unsafe append(name: X509_get_subject_name(certificate))
        append("\nIssuer: ")
        unsafe append(name: X509_get_issuer_name(certificate))
        append("\n")
        if let path { append("Chain Filename: \(path)\n") }
        // swift-format-ignore
        for unsafe certificate in unsafe chain {
            append("Chain Subject: ")
            unsafe append(name: X509_get_subject_name(certificate))
            append("\nChain Issuer: ")
            unsafe append(name: X509_get_issuer_name(certificate))
            append("\n")
        }
    }

    private static func algorithm(of certificate: OpaquePointer) -> String {
        guard let key = unsafe X509_get0_pubkey(certificate) else { return "UNKNOWN" }
        let name =
            switch unsafe EVP_PKEY_get_base_id(key) {
            case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: "RSA"
            case EVP_PKEY_EC: "EC"
            case EVP_PKEY_DSA: "DSA"
            default: unsafe String(cString: OBJ_nid2sn(EVP_PKEY_get_base_id(key)))
            }
        return unsafe "\(name)\(EVP_PKEY_get_bits(key))"
    }

    private mutating func append(name: OpaquePointer?) {
        guard let name = unsafe name else { return }
        _ = unsafe append(oneLine: name)
    }

    private mutating func append(fingerprintOf certificate: OpaquePointer) {
        var digest = [UInt8](repeating: 0, count: 20)
        var count: UInt32 = 20
        _ = unsafe X509_digest(certificate, EVP_sha1(), &digest, &count)
        append(hex: digest)
    }

    mutating func append(hex number: UnsafePointer<ASN1_INTEGER>?) {
        guard let number = unsafe number, let data = unsafe ASN1_STRING_get0_data(number) else { return }
        let length = Int(unsafe ASN1_STRING_length(number))
        unsafe append(hex: [UInt8](UnsafeBufferPointer(start: data, count: length)))
    }

    /// In capitals.
    mutating func append(hex bytes: [UInt8]) {
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] { append(digit < 10 ? digit + 0x30 : digit + 0x37) }
        }
    }

    /// `Jun 13 13:37:21 2024 GMT`.
    fileprivate mutating func append(date: UnsafePointer<ASN1_TIME>?) {
        guard let date = unsafe date else { return }
        _ = unsafe append(printing: { unsafe ASN1_TIME_print($0, date) == 1 })
    }

    fileprivate mutating func append(revocationList list: OpaquePointer) {
        append("Version \(unsafe X509_CRL_get_version(list) + 1)\n")
        let algorithm = unsafe String(cString: OBJ_nid2ln(X509_CRL_get_signature_nid(list)))
        append("Signature Algorithm: \(algorithm)\nIssuer: ")
        unsafe append(name: X509_CRL_get_issuer(list))
        append("\nLast Update: ")
        unsafe append(date: X509_CRL_get0_lastUpdate(list))
        append("\nNext Update: ")
        unsafe append(date: X509_CRL_get0_nextUpdate(list))
        guard let revoked = unsafe X509_CRL_get_REVOKED(list), unsafe OPENSSL_sk_num(revoked) > 0 else {
            append("\nNo Revoked Certificates.\n")
            return
        }
        append("\nRevoked Certificates:\n")
        for index in unsafe 0..<OPENSSL_sk_num(revoked) {
            guard let entry = unsafe OPENSSL_sk_value(revoked, index) else { continue }
            append("    Serial Number: ")
            unsafe append(hex: X509_REVOKED_get0_serialNumber(OpaquePointer(entry)))
            append("\n        Revocation Date: ")
            unsafe append(date: X509_REVOKED_get0_revocationDate(OpaquePointer(entry)))
            append("\n")
        }
    }
}
