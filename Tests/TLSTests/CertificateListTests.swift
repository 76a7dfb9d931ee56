// Lines of a crt-list, and versions and faults as lines name them.

import Configuration
import Testing

@testable import TLS

@Suite struct CertificateListTests {
    private func entry(_ line: String) throws -> CertificateListEntry? {
        try CertificateList.entry(line, path: "list", number: 7)
    }

    private func message(_ line: String) -> String {
        do throws(ConfigProblem) {
            _ = try CertificateList.entry(line, path: "list", number: 7)
            return ""
        } catch { return error.message }
    }

    @Test(arguments: ["", "   ", "# site.pem", "  # site.pem", "\t\r"])
    func `An empty line, or a comment, is no entry`(_ line: String) throws {
        #expect(try entry(line) == nil)
    }

    @Test func `A line has a certificate, options and names`() throws {
        let entry = try #require(
            try entry("site.pem [alpn h2,http/1.1 ssl-min-ver TLSv1.3]  *.example.com !old.example.com\r"))
        #expect(entry.certificate.text == "site.pem")
        #expect(entry.certificate.range == SourceRange(file: "list", line: 7, column: 1, length: 8))
        #expect(entry.options.protocol.applicationProtocols == [Array("h2".utf8), Array("http/1.1".utf8)])
        #expect(entry.options.protocol.versions.minimum == .tls13)
        #expect(entry.filters.map(\.text) == ["*.example.com", "!old.example.com"])
    }

    @Test func `Brackets may stand apart from the options, and be empty`() throws {
        #expect(try entry("site.pem [ verify none ] a")?.options.protocol.verification == TLSVerification.none)
        #expect(try entry("site.pem [] a")?.filters.map(\.text) == ["a"])
        #expect(try entry("site[1].pem a")?.certificate.text == "site[1].pem")
    }

    @Test func `Files may be named`() throws {
        let entry = try #require(try entry("site.crt [key private/site.key ocsp site.ocsp]"))
        #expect(entry.options.key?.text == "private/site.key" && entry.options.ocsp?.text == "site.ocsp")
    }

    @Test func `Mistakes are told`() {
        #expect(message("site.pem [alpn h2") == "'[' is not closed")
        #expect(message("site.pem a [alpn h2]") == "'[' is out of place")
        #expect(message("site.pem [strict-sni]") == "unknown parameter 'strict-sni' of 'crt-list'")
        #expect(message("site.pem [ciphers NOSUCH]").contains("OpenSSL knows no such ciphers"))
    }

    // MARK: Versions

    private func allowed(_ minimum: TLSVersion?, _ maximum: TLSVersion?, without: Set<TLSVersion> = []) -> [TLSVersion]
    {
        var versions = TLSVersions()
        versions.minimum = minimum
        versions.maximum = maximum
        versions.excluded = without
        return versions.allowed
    }

    @Test func `Versions from 1.2 on are spoken unless a line says otherwise`() {
        #expect(allowed(nil, nil) == [.tls12, .tls13])
        #expect(allowed(.tls10, .tls11) == [.tls10, .tls11])
        #expect(allowed(nil, .tls12) == [.tls12])
        #expect(allowed(.tls13, nil) == [.tls13])
        // As in HAProxy, what is below the default minimum is the minimum too.
        #expect(allowed(nil, .tls11) == [.tls11])
        #expect(allowed(nil, nil, without: [.tls12]) == [.tls13])
        // Beside a bound, single versions are not looked at.
        #expect(allowed(.tls12, nil, without: [.tls13]) == [.tls12, .tls13])
    }
}
