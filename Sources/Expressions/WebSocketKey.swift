// What a server of WebSocket answers to its client's key (RFC 6455 section 4.2.2): proof that it knows the protocol. Portico answers it
// where the server has agreed over HTTP/2, which has no keys.

internal import Basics
internal import COpenSSL

public enum WebSocketKey {
    private static let guid: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// Appends the value of Sec-WebSocket-Accept: Base64 of the SHA-1 digest of `key` and a text that RFC 6455 names.
    public static func appendConsent(to key: [UInt8], _ out: inout [UInt8]) {
        var text = key
        text.append(guid)
        var digest = [UInt8](repeating: 0, count: 20)
        var size: UInt32 = 0
        let isMade = unsafe text.withUnsafeBytes { bytes in
            unsafe digest.withUnsafeMutableBufferPointer { digest in
                unsafe EVP_Digest(bytes.baseAddress, bytes.count, digest.baseAddress, &size, EVP_sha1(), nil)
            }
        }
        precondition(isMade == 1 && size == 20, "SHA-1 cannot be computed")
        unsafe Base64.ordinary.append(digest.span.bytes, to: &out)
    }
}
