// The question to an OCSP responder about one certificate (RFC 6960), as an HTTP request (its appendix A, and RFC 5019 section 5).

internal import Basics
internal import COpenSSL

/// Where an OCSP responder is, as a certificate says it.
public struct ResponderAddress: Sendable, Equatable {
    /// A name or an address, without brackets.
    public let host: String
    public let port: UInt16
    /// As the address has it, for the Host field.
    let authority: String
    /// Path and query, from the slash on.
    let path: String

    /// Reads `http://host[:port][/path]`; nil for another scheme, and for what is no such address.
    init?(_ text: String) {
        let scheme = "http://"
        guard text.lowercased().hasPrefix(scheme), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let rest = text.dropFirst(scheme.count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        guard let (host, port) = Self.parts(of: authority) else { return nil }
        (self.host, self.port, self.authority) = (host, port, String(authority))
        self.path = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// Takes `host`, `host:port` or `[address]:port` apart; the port is 80 where there is none. Nil for anything else.
    public static func parts(of authority: Substring) -> (host: String, port: UInt16)? {
        var host = authority
        var port: UInt16 = 80
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : authority.startIndex
        guard let end else { return nil }
        if let colon = authority[end...].firstIndex(of: ":") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else { return nil }
            (host, port) = (authority[..<colon], number)
        }
        if host.hasPrefix("[") {
            host = host.dropFirst().dropLast()
            guard IPAddress(host) != nil else { return nil }
        }
        guard !host.isEmpty, !host.contains(where: { "@[]/?\\".contains($0) }) else { return nil }
        return (String(host), port)
    }
}

/// The question about one certificate.
public struct OCSPRequest: Sendable {
    /// Bytes that an address may have for the question to be part of it (RFC 5019 section 5): then caches can answer it.
    private static let addressBytesMax = 255

    public let responder: ResponderAddress
    /// In DER.
    private let bytes: [UInt8]

    /// Nil for a certificate that names no responder, or whose issuer is not known.
    public init?(about certificate: Certificate) {
        guard let responder = certificate.responder, let identity = certificate.identity else { return nil }
        defer { ERR_clear_error() }
        guard let request = unsafe OCSP_REQUEST_new() else { return nil }
        defer { unsafe OCSP_REQUEST_free(request) }
        guard let id = unsafe Self.parsed(identity) else { return nil }
        guard unsafe OCSP_request_add0_id(request, id) != nil else {
            unsafe OCSP_CERTID_free(id)
            return nil
        }
        self.responder = responder
        unsafe bytes = Self.encoded { unsafe i2d_OCSP_REQUEST(request, $0) }
    }

    /// The HTTP request: with GET where the address does not become too long, else with POST.
    /// - Parameter isProxied: whether it goes to an HTTP proxy, which has to learn the whole address.
    public func message(isProxied: Bool) -> [UInt8] {
        let prefix = isProxied ? "http://" + responder.authority : ""
        let question = Self.inAddress(bytes)
        let path = responder.path.hasSuffix("/") ? responder.path : responder.path + "/"
        let isShort = responder.authority.utf8.count + path.utf8.count + question.utf8.count < Self.addressBytesMax
        let fields = "Host: \(responder.authority)\r\nAccept: application/ocsp-response\r\nConnection: close\r\n"
        guard isShort, !path.contains("?") else {
            return Array(
                ("POST \(prefix)\(responder.path) HTTP/1.1\r\n\(fields)Content-Type: application/ocsp-request\r\n"
                    + "Content-Length: \(bytes.count)\r\n\r\n").utf8) + bytes
        }
        return Array("GET \(prefix)\(path)\(question) HTTP/1.1\r\n\(fields)\r\n".utf8)
    }

    /// In base64, with what has a meaning in addresses escaped.
    private static func inAddress(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes.inBase64 {
            switch byte {
            case 0x2B: text += "%2B"
            case 0x2F: text += "%2F"
            case 0x3D: text += "%3D"
            default: text.unicodeScalars.append(UnicodeScalar(byte))
            }
        }
        return text
    }

    // MARK: What a certificate says

    /// What OCSP calls a certificate, in DER; with the digest SHA-1, which all responders know.
    static func identity(of certificate: OpaquePointer, signedBy issuer: OpaquePointer) -> [UInt8]? {
        defer { ERR_clear_error() }
        guard let id = unsafe OCSP_cert_to_id(nil, certificate, issuer) else { return nil }
        defer { unsafe OCSP_CERTID_free(id) }
        let bytes = unsafe encoded { unsafe i2d_OCSP_CERTID(id, $0) }
        return bytes.isEmpty ? nil : bytes
    }

    /// The identity that `bytes` are in DER; the caller frees it.
    static func parsed(_ bytes: [UInt8]) -> OpaquePointer? {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_OCSP_CERTID(nil, &start, bytes.count)
        }
    }

    /// The first responder of a certificate that speaks plain HTTP: the responses are signed.
    static func responder(of certificate: OpaquePointer) -> ResponderAddress? {
        guard let list = unsafe X509_get1_ocsp(certificate) else { return nil }
        defer { unsafe X509_email_free(list) }
        for index in unsafe 0..<OPENSSL_sk_num(list) {
            guard let text = unsafe OPENSSL_sk_value(list, index) else { continue }
            let address = unsafe String(cString: text.assumingMemoryBound(to: CChar.self))
            if let responder = ResponderAddress(address) { return responder }
        }
        return nil
    }

    private static func encoded(
        _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32
    ) -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let length = unsafe encode(&bytes)
        defer { unsafe CRYPTO_free(bytes, #file, #line) }
        return unsafe length > 0 ? [UInt8](UnsafeBufferPointer(start: bytes, count: Int(length))) : []
    }
}

extension [UInt8] {
    /// In base64, in one line.
    var inBase64: [UInt8] {
        var text = [UInt8](repeating: 0, count: count / 3 * 4 + 5)
        let length = unsafe EVP_EncodeBlock(&text, self, Int32(count))
        return Array(text.prefix(Int(length)))
    }
}
