// OCSP responses as the runtime commands show and exchange them.

internal import Basics
internal import COpenSSL

extension CertificateStore {
    /// The certificates that have a response or are to get one, one for each identity.
    private var stapled: [Certificate] {
        var seen: Set<[UInt8]> = []
        return names.compactMap { certificate(of: $0) }.filter { certificate in
            guard certificate.ocsp != nil || updatesResponse(of: certificate), let identity = certificate.identity
            else {
                return false
            }
            return seen.insert(identity).inserted
        }
    }

    /// Appends which responses there are (`show ssl ocsp-response`).
    public func appendResponses(to out: inout [UInt8]) {
        out.append("# Certificate IDs\n")
        for certificate in stapled {
            guard let identity = certificate.identity else { continue }
            out.append("Certificate ID key : \(identity.inHexadecimal)\nCertificate path : \(certificate.name)\n")
            OCSPRequest.append(textOf: identity, to: &out)
        }
    }

    /// Appends one response.
    /// - Parameters:
    ///   - wanted: the key that the list shows, or the name of a certificate.
    ///   - isEncoded: in base64, rather than as text.
    /// - Returns: false if there is none.
    public func appendResponse(of wanted: String, isEncoded: Bool, to out: inout [UInt8]) -> Bool {
        let found =
            stapled.first { $0.identity?.inHexadecimal == wanted.lowercased() }
            ?? place(named: wanted).flatMap { certificate(of: $0.name) }
        guard let response = found?.ocsp else { return false }
        isEncoded ? response.appendEncoded(to: &out) : OCSPResponse.append(textOf: response.bytes, to: &out)
        return true
    }

    /// Appends the response of the file `<certificate>.ocsp`, or that of a change that is under way.
    public func appendResponse(ofFile path: String, isDraft: Bool, to out: inout [UInt8]) -> Bool {
        guard let (name, piece) = place(named: path), piece == .ocsp else { return false }
        let draft = state.withLock { $0.draft }
        let bytes = isDraft ? (draft?.name == name ? draft?.ocsp : nil) : certificate(of: name)?.ocsp?.bytes
        guard let bytes else { return false }
        OCSPResponse.append(textOf: bytes, to: &out)
        return true
    }

    /// Gives the certificates that a response is about this one in the place of what they have (`set ssl ocsp-response`).
    /// - Parameter text: in base64.
    public func exchangeResponse(_ text: [UInt8]) throws(TransactionProblem) {
        let text = text.filter { $0 > 0x20 }
        guard !text.isEmpty, let bytes = TicketKeys.decoded(text) else {
            throw TransactionProblem("'set ssl ocsp-response' received invalid base64 encoded response.")
        }
        var reason = "no certificate is known"
        var isTaken = false
        for certificate in names.compactMap({ certificate(of: $0) }) {
            guard let issuer = unsafe certificate.signer else { continue }
            do throws(FileRefusal) {
                certificate.staple(try unsafe OCSPResponse(bytes, about: certificate.leaf, issuer: issuer))
                isTaken = true
            } catch {
                reason = error.text
            }
        }
        guard isTaken else { throw TransactionProblem("the OCSP response: \(reason).") }
    }
}

extension OCSPResponse {
    /// Appends what it says.
    public func append(to out: inout [UInt8]) { Self.append(textOf: bytes, to: &out) }

    /// Appends what a response says, without empty lines, which would end an answer.
    static func append(textOf bytes: [UInt8], to out: inout [UInt8]) {
        let response = unsafe bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_OCSP_RESPONSE(nil, &start, bytes.count)
        }
        guard let response = unsafe response else { return }
        defer { unsafe OCSP_RESPONSE_free(response) }
        var text: [UInt8] = []
        _ = unsafe text.append(printing: { unsafe OCSP_RESPONSE_print($0, response, 0) == 1 })
        for line in text.split(separator: 0x0A) {
            out += line
            out.append(0x0A)
        }
    }

    fileprivate func appendEncoded(to out: inout [UInt8]) {
        out += bytes.inBase64
        out.append(0x0A)
    }
}

extension OCSPRequest {
    /// Appends what an identity consists of.
    fileprivate static func append(textOf identity: [UInt8], to out: inout [UInt8]) {
        guard let id = unsafe parsed(identity) else { return }
        defer { unsafe OCSP_CERTID_free(id) }
        var nameHash: UnsafeMutablePointer<ASN1_OCTET_STRING>?
        var keyHash: UnsafeMutablePointer<ASN1_OCTET_STRING>?
        var serial: UnsafeMutablePointer<ASN1_INTEGER>?
        _ = unsafe OCSP_id_get0_info(&nameHash, nil, &keyHash, &serial, id)
        out.append(" Certificate ID:\n   Issuer Name Hash: ")
        unsafe out.append(hex: UnsafePointer(nameHash))
        out.append("\n   Issuer Key Hash: ")
        unsafe out.append(hex: UnsafePointer(keyHash))
        out.append("\n   Serial Number: ")
        unsafe out.append(hex: UnsafePointer(serial))
        out.append(0x0A)
    }
}

extension [UInt8] {
    /// Two lower-case digits for each byte.
    public var inHexadecimal: String {
        map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
