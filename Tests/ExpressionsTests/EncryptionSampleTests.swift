// Samples about TLS, on connections in clear and on one whose handshake has not begun. What they yield of handshakes that were made is
// tested in TLSTests and in the scenarios.

import Configuration
import Reactor
import RuleTesting
import TLS
import Testing

@testable import Expressions

@Suite struct EncryptionSampleTests {
    private static let rows = [EncryptionSample.rows, CertificateSample.rows, CapturedHelloSample.rows].flatMap { $0 }

    @Test func `On a connection in clear four samples are false and all others yield nothing`() throws {
        var falsehoods: Set<String> = []
        for row in Self.rows {
            switch try value(row.name, exchange()) {
            case nil: break
            case "0": falsehoods.insert(row.name)
            case let other?: Issue.record("\(row.name) yields \(other)")
            }
        }
        #expect(falsehoods == ["ssl_fc_has_sni", "ssl_fc_is_resumed", "ssl_bc", "ssl_bc_is_resumed"])
    }

    @Test func `Where there is TLS, each sample has its type`() throws {
        let context = try exchange()
        context.connection.clientTLS = TLSEngine(TLSContext(.server), Socket(-1))
        context.destination.serverTLS = TLSEngine(TLSContext(.client), Socket(-1))
        for row in Self.rows {
            guard let value = try value(row.name, context) else { continue }
            switch row.type {
            case .bool: #expect(value == "0" || value == "1", "\(row.name)")
            case .integer: #expect(Int(value) != nil, "\(row.name)")
            default: #expect(!value.isEmpty, "\(row.name)")
            }
        }
        #expect(try value("ssl_bc", context) == "1")
        #expect(try value("ssl_fc_cipher", context) == "(NONE)")
        #expect(try value("ssl_fc_err", context) == "0" && value("ssl_c_verify,x509_v_err_str", context) == "X509_V_OK")
    }

    @Test(arguments: [
        ("int(10),x509_v_err_str", "X509_V_ERR_CERT_HAS_EXPIRED"),
        ("int(23),x509_v_err_str", "X509_V_ERR_CERT_REVOKED"),
        ("int(0),x509_v_err_str", "X509_V_OK"), ("int(4711),x509_v_err_str", "4711"), ("int(-1),x509_v_err_str", "-1"),
        ("str(18),x509_v_err_str", "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT"),
    ])
    func `Results of checking a certificate have names`(expression: String, name: String) throws {
        #expect(try value(expression, exchange()) == name)
    }

    @Test func `All results that OpenSSL has are named`() {
        for number in 0...94 { #expect(CertificateError.name(of: number) != nil, "\(number)") }
    }

    @Test(arguments: [
        ("ssl_c_s_dn(CN,1,rfc4514)", "'rfc4514' is no format"), ("ssl_c_policies(a)", "'a' is no object's number"),
        ("ssl_c_policies(1..2)", "'1..2' is no object's number"),
        ("ssl_c_s_dn(CN,1000)", "'1000' is not an occurrence"),
        ("ssl_fc_eclist_bin(2)", "'2' is not a filter"),
    ])
    func `Arguments that are none`(expression: String, message: String) throws {
        #expect(try problem("http-request deny if { \(expression) -m found }").message == message)
    }
}
