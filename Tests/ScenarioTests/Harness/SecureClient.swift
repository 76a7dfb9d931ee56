// Clients of Portico that speak TLS: OpenSSL's own, whose report tells what was agreed upon.

import Foundation
import Testing

/// What `openssl s_client` has reported of one connection.
struct SecureClient {
    let report: String
    /// What went wrong, as OpenSSL calls it.
    let errors: String

    /// Connects, sends one request, and reads until Portico closes.
    /// - Parameter arguments: further words for s_client.
    init(_ port: Int, _ arguments: String..., request: String = "GET / HTTP/1.0\r\n\r\n") throws {
        try self.init(port, arguments, request: request)
    }

    init(_ port: Int, _ arguments: [String], request: String = "GET / HTTP/1.0\r\n\r\n") throws {
        let input = try Stage.current.file("request-\(UUID().uuidString.prefix(8))", request)
        let words = (["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"] + arguments)
            .map { "'\($0)'" }.joined(separator: " ")
        let ended = try play(["bash", "-c", "exec \(words) < '\(input)'"], within: 60)
        report = ended.output
        errors = ended.errors
    }

    /// The common name of the certificate that was shown; nil if there was none.
    var shownName: String? {
        // Of the line `subject=CN = www.example.com`; other versions write no blanks.
        report.firstMatch(of: /subject=.*CN ?= ?(\S+)/).map { String($0.1) }
    }

    /// `TLSv1.3`
    var version: String? { report.firstMatch(of: /(?:New|Reused), (TLSv[0-9.]+)/).map { String($0.1) } }
    var cipher: String? { report.firstMatch(of: /Cipher is ([A-Z0-9_-]+)/).map { String($0.1) } }
    var isResumed: Bool { report.contains("\nReused, ") }
    var hasAnswer: Bool { report.contains("HTTP/1.1 200 OK") || report.contains("HTTP/1.0 200 OK") }
    /// Whether it was refused with this alert, by its name in OpenSSL.
    func wasRefused(_ alert: String) -> Bool { errors.contains(alert) && errors.contains("SSL alert number") }
}
