// Lists of ciphers, groups and signature algorithms: OpenSSL reads them, and what it does not know is reported at its word. The
// same calls set them in a context when it is made.

internal import Basics
internal import COpenSSL
internal import Configuration

/// A kind of list that OpenSSL reads; the raw value is its name in messages.
enum AlgorithmList: String, Sendable {
    case ciphers
    case cipherSuites = "cipher suites"
    case curves
    case signatureAlgorithms = "signature algorithms"
    case clientSignatureAlgorithms = "client signature algorithms"

    /// Refuses a word of which OpenSSL knows no part.
    func check(_ word: Word) throws(ConfigProblem) {
        try apply(word, to: TLSContext(.server))
    }

    /// Sets the list in a context.
    func apply(_ word: Word, to context: TLSContext) throws(ConfigProblem) {
        ERR_clear_error()
        guard set(word.text, in: context) else {
            ERR_clear_error()
            throw ConfigProblem(
                "'\(word.text)': OpenSSL knows no such \(rawValue)", at: word.range, expected: "like \(example)")
        }
    }

    private func set(_ text: String, in context: TLSContext) -> Bool {
        switch self {
        case .ciphers: unsafe SSL_CTX_set_cipher_list(context.pointer, text) == 1
        case .cipherSuites: unsafe SSL_CTX_set_ciphersuites(context.pointer, text) == 1
        case .curves: context.control(SSL_CTRL_SET_GROUPS_LIST, text)
        case .signatureAlgorithms: context.control(SSL_CTRL_SET_SIGALGS_LIST, text)
        case .clientSignatureAlgorithms: context.control(SSL_CTRL_SET_CLIENT_SIGALGS_LIST, text)
        }
    }

    private var example: String {
        switch self {
        case .ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
        case .cipherSuites: "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
        case .curves: "X25519:P-256"
        case .signatureAlgorithms, .clientSignatureAlgorithms: "ECDSA+SHA256:RSA-PSS+SHA256"
        }
    }
}
