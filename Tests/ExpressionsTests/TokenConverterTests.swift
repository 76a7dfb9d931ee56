// JSON Web Tokens. The tokens were signed by OpenSSL's command line, and HAProxy 2.6 was asked about them, but for PS256 and
// its like, which it does not know yet.

import Configuration
import Foundation
import HTTP
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct TokenConverterTests {
    /// `{"alg": …, "typ": "JWT"}` and `{"sub": "me", "iat": 1516239022, "admin": true, "roles": ["a", "b"]}`.
    private static let tokens = [
        "HS256": """
        eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.tv0Ia5CBCR7EbV5PTpVMPP9-E5aMgJD8CltNF3xm4WE
        """,
        "RS256": """
        eyJhbGciOiAiUlMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.Ooa30o7QcGOyQFHskEgXNNigv41gjeUs5gZhVWbtAaRP4IZ1ZRw650lH5PTCS6sEMw4-GgHDwJ9r7WtuMep\
        aTAtDZP609TRN1edbFl0cAjonTjAQLVMU8Zi8cXutyC_7MhHjTm7KHPsO5OuMksYt1HMvJvyacVfx0RbNLIcLnXXDJiS1DlRJSGSTPmRyiHd\
        w
        """,
        "PS256": """
        eyJhbGciOiAiUFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.eCKcdIgrj8iz0yN_z-dGiGexR9bCuEIE_AoAjz6BLoxODhXzC4mOGPOKaBBS9j5kwnw7R_XZntTLZzkspwH\
        7scwlSa_ao2QrbxzBIHU29JP4rtlTbANuE-4w4kzqpv2FvSLBKqTddoejxG4NZU07RmKpqhZDvRaGiOOxQMXiqbdhPieULNunDwgrZPiZx7S\
        4
        """,
        "ES256": """
        eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.pWSuaTpWOcKXb5zV-Ao6-5vU3HjNEFQ9leNrPeg704wNE8C57gndpKKOPP1lazXDHWQEVqVk_NTt8CYsx6J\
        8xw
        """,
        "HS384": """
        eyJhbGciOiAiSFMzODQiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.FqfD7NGtNIwtJtOSd0TaPll0fSVWmyr-pAkcxmcuUoiW9BiPLvZMiI-AxtJPzsBy
        """,
        "RS384": """
        eyJhbGciOiAiUlMzODQiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.eFBJ4JuS-qHa69A1G_5KDymuNyzCi3_sNv5eFrqmI1Wa-LRD5lB23NIsAiGJ5l51nLHBmLadslvjOg0mccV\
        QlpRAF66evg67D7GSX7odS00v2UVnDlkSAK7yn5pPljCYlJgLPuq5ytDPnRResz6RztmbNwV-ti3C5cI9gk10JzfMF_7CiFIjw6pkowYIiy2\
        e
        """,
        "PS384": """
        eyJhbGciOiAiUFMzODQiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.jJLrXevYRYJKdkvWTjaeUSdDvL9nG-KnDrXMcvCxhM8iMycTrkCnWUvX_kxlxrM-gfhEvjJrDkYkJj1kf8x\
        H6lAyVNs840Q1EIke_AF7RMCvser-SrbBzgsZvJY72zOFxbSAo6juW63jyaX1enSegsjUnjfEADwdpvQdpXpJ0yxVHKwOC-3-0AQNHihjop0\
        3
        """,
        "ES384": """
        eyJhbGciOiAiRVMzODQiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.kY1CBnvapdV8TutxoARsGEy2mrbvw9bOXYfTEWcri3gOMkXa2FL0-Ew78E-AvCVyDRVtculpziaKL1UDlD1\
        F60JzwzNu83aqSjqccpD9dMINya_DIIDpaC2RIwQqhrL0
        """,
        "HS512": """
        eyJhbGciOiAiSFM1MTIiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.IgNULIldu2ulVbQ_uFa5JZdIE4eJfNRhU2UbphLjJKhG-SRnGzH1Whxbv2Bdegzq9PMeNjeBDPrP4D045wp\
        H6Q
        """,
        "RS512": """
        eyJhbGciOiAiUlM1MTIiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.ULvGCD7wo3E8qij_oM0aMT3Pkq7ige4lGHn-Yn3I8G9AEhNzbn2YOpFGb6kGhyB68eYdr9wtu_bptz2Zcgd\
        bp9C0_VqTpkpe4HE_cA_IUeLI6NkW-oHgiM3ai0UERcE73_vSN6JN3lkG5weR-IfiuwAqwFJa8stkt__Ab2Lf6j6hr8mlXOIV3XrAaV9H7Sc\
        7
        """,
        "PS512": """
        eyJhbGciOiAiUFM1MTIiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.ovlcKBfZnAFncgl1cCRnsrWf9MYYkVuQ-rjvfKrpWTfwf611bogy_TXClgL8duvFVdZFmAdf5kTpOU-DBhT\
        bqL9jhme0Qhj17qZNb-3NB4QC94qL6N7PfOE3q8Y60d62vEu8rIiwTk2PGN3_2yUQfcIPEF9DAXs3oxJRx-uiILfvsST8YDu1epBii3ZqdMt\
        G
        """,
        "ES512": """
        eyJhbGciOiAiRVM1MTIiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJ\
        vbGVzIjogWyJhIiwgImIiXX0.ALND2e5V5rMYktSK1FEWtk8JwDf1kFclot7LMIlnVih3EnY6YHq1RVgBVUVrFb5W79Jl0Vpl2NKfZgXGtXe\
        GPgWyAbleKva80bzFIWI08KsiuGAs8aCP4bO8wvsbgdfbj8yEoTqSljGnuGSH6ZzfG0BxBpaBrJ506zelxu8Lxxr8AF9h
        """,
        "none": """
        eyJhbGciOiAibm9uZSIsICJ0eXAiOiAiSldUIn0.eyJzdWIiOiAibWUiLCAiaWF0IjogMTUxNjIzOTAyMiwgImFkbWluIjogdHJ1ZSwgInJv\
        bGVzIjogWyJhIiwgImIiXX0.
        """,
    ]

    /// Files of public keys, by name.
    private static let keys = [
        "rsa.pem": """
        -----BEGIN PUBLIC KEY-----
        MIGvMA0GCSqGSIb3DQEBAQUAA4GdADCBmQKBkQC1aiazCBeaIqQTvZaiF/icKPnA
        geZENpmPsPghOue29TySkTSaSPcpLpzYqT2gJ5J9Tjs5U1T/S+2lg3XWGSjSpiDx
        Ppap5OnzGbLvqJp7nCHEG0/6b5e/7zYmv8gLQ9eSH7LDaw7aIbd3X5OVFRc7/Rip
        cH6zw6VTHTBSPmvmLjPsLMWbMs265xbbecZ58T0CAwEAAQ==
        -----END PUBLIC KEY-----
        """,
        "rsa1.pem": """
        -----BEGIN RSA PUBLIC KEY-----
        MIGZAoGRALVqJrMIF5oipBO9lqIX+Jwo+cCB5kQ2mY+w+CE657b1PJKRNJpI9yku
        nNipPaAnkn1OOzlTVP9L7aWDddYZKNKmIPE+lqnk6fMZsu+omnucIcQbT/pvl7/v
        Nia/yAtD15IfssNrDtoht3dfk5UVFzv9GKlwfrPDpVMdMFI+a+YuM+wsxZsyzbrn
        Ftt5xnnxPQIDAQAB
        -----END RSA PUBLIC KEY-----
        """,
        "ec256.pem": """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECuu+SkcoXBQjW2axUIl2GG/Mvi8e
        Lh4dC+LKiHTFqprI90vreM2g+lN6CaOH/ClC0c1YCWZoEluHCnw4nw44Pg==
        -----END PUBLIC KEY-----
        """,
        "ec384.pem": """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEoBAtsR3n/VdWcHtWYwtRxW11nUAKQZs4
        9pZbNUszBwYQ1FweXD+fF8+z50C575HDTW7qy/n5ynut1XyUTn/CjAxG1mLIYqPR
        HGMzqqD3fVD5TtdFv16hwEIPCsVnn0zL
        -----END PUBLIC KEY-----
        """,
        "ec512.pem": """
        -----BEGIN PUBLIC KEY-----
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQA+se8LgpdyP4RaVwKW35FNdPNpKOr
        bhq/guAvqA3Xcs0bh4yGpRLSIN6Vli4l8daq7CVlDWBcyMEPiOoH6jG0qJIAfZ/b
        Fqmt4ubah0MaiNAKQuTAhCA90zDnGM4ZpqigTxo93R89LJhvJcEli3huVwBRs/Kn
        zoLZrUlawwuqH8lWHdI=
        -----END PUBLIC KEY-----
        """,
        "ec256.crt": """
        -----BEGIN CERTIFICATE-----
        MIIBbjCCARWgAwIBAgIUBaiObnPOwgz/MT469dr4eEUTl0AwCgYIKoZIzj0EAwIw
        DDEKMAgGA1UEAwwBdDAgFw0yNjExMjUyMzA5NDVaGA8yMTI2MTEwMTIzMDk0NVow
        DDEKMAgGA1UEAwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABArrvkpHKFwU
        I1tmsVCJdhhvzL4vHi4eHQviyoh0xaqayPdL63jNoPpTegmjh/wpQtHNWAlmaBJb
        hwp8OJ8OOD6jUzBRMB0GA1UdDgQWBBSUoUH6dKFcnEzXAXCxrNcMf3nrszAfBgNV
        HSMEGDAWgBSUoUH6dKFcnEzXAXCxrNcMf3nrszAPBgNVHRMBAf8EBTADAQH/MAoG
        CCqGSM49BAMCA0cAMEQCIA9t6LTdI7EqRn8yZFCckDPV/rBwwlO/OL+mUACOjoTx
        AiAJd7g9iFrTOfR9r3Jw+vrn4/UO5+8dSadXwPr8NTdy1Q==
        -----END CERTIFICATE-----
        """,
    ]

    /// Whose keys' files are there for the time of `body`.
    private func withKeys<R>(_ body: (_ folder: String) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "portico-tokens-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in Self.keys {
            try Data((text + "\n").utf8).write(to: folder.appending(path: name))
        }
        return try body(folder.path)
    }

    /// What a token is found to be.
    private func verdict(
        _ token: String, _ algorithm: String, _ key: String, variables: [String: String] = [:]
    ) throws -> String? {
        let context = try exchange("GET / HTTP/1.1\nHost: a\nToken: \(token)\n\n")
        for (name, text) in variables {
            let name = try VariableName(name, problem: { _, _, _ in preconditionFailure() })
            context.withScratch { context.set(name, .string(context.make { $0 += Array(text.utf8) })) }
        }
        return try value("req.fhdr(token),jwt_verify(\(algorithm),\(key))", context)
    }

    @Test func `A token is good with the key that it was signed with, and with no other`() throws {
        try withKeys { folder throws in
            let fitting = ["HS": ["secret"], "RS": ["rsa.pem", "rsa1.pem"], "PS": ["rsa.pem", "rsa1.pem"]]
            for (algorithm, token) in Self.tokens where algorithm != "none" {
                let keys = fitting[String(algorithm.prefix(2))] ?? ["ec\(algorithm.suffix(3)).pem"]
                for name in ["secret", "rsa.pem", "rsa1.pem", "ec256.pem", "ec384.pem", "ec512.pem"] {
                    let isSecret = name == "secret"
                    if isSecret, !algorithm.hasPrefix("HS") { continue }
                    let key = isSecret ? name : "\(folder)/\(name)"
                    let expected = keys.contains(name) ? "1" : "0"
                    #expect(try verdict(token, algorithm, key) == expected, "\(algorithm) with \(name)")
                    let changed = token.replacing("eyJzdWIi", with: "eyJzdWIg")
                    #expect(try verdict(changed, algorithm, key) == "0", "\(algorithm) with \(name), changed")
                }
            }
            #expect(try verdict(Self.tokens["ES256"]!, "ES256", "\(folder)/ec256.crt") == "1")
            #expect(
                try value("str(\(Self.tokens["ES256"]!)),jwt_verify_cert(ES256,\(folder)/ec256.crt)", exchange()) == "1"
            )
        }
    }

    @Test func `Algorithm and key may be variables`() throws {
        try withKeys { folder throws in
            let key = "\(folder)/rsa.pem"
            for algorithm in ["RS256", "PS384", "HS512"] {
                let token = Self.tokens[algorithm]!
                let isSecret = algorithm == "HS512"
                let chosen = ["txn.alg": algorithm, "txn.key": "secret"]
                #expect(try verdict(token, "txn.alg", key, variables: chosen) == (isSecret ? "0" : "1"))
                #expect(try verdict(token, "txn.alg", "secret", variables: chosen) == (isSecret ? "1" : "-5"))
                #expect(try verdict(token, "txn.alg", "txn.key", variables: chosen) == (isSecret ? "1" : "-5"))
            }
            // A file that another line names.
            let context = try exchange("GET / HTTP/1.1\nHost: a\nToken: \(Self.tokens["RS256"]!)\n\n")
            let section = try Section(
                .listen,
                """
                http-request set-var(txn.key) str(\(key))
                http-request deny if { req.hdr(x),jwt_verify(RS256,\(key)) 1 }
                http-request set-header x %[req.hdr(token),jwt_verify(RS256,txn.key)]
                """)
            _ = section.rules.ruleSet(.httpRequest).run(on: context)
            #expect(lines(context.request.fields).last == "x: 1")
        }
    }

    /// A client knows public keys, and may guess where they are: with either it could sign whatever it likes.
    @Test func `A public key's path is no secret`() throws {
        try withKeys { folder throws in
            let key = "\(folder)/rsa.pem"
            let signed = Self.tokens["RS256"]!.split(separator: ".").prefix(2).joined(separator: ".")
            let secret = Data(key.utf8).base64EncodedString()
            let code = try #require(try value("str(\(signed)),hmac(sha256,\(secret)),ub64enc", exchange()))
            let forged = "\(signed).\(code)"
            #expect(try verdict(forged, "HS256", key) == "1", "that is what it was made for")
            #expect(try verdict(forged, "txn.alg", key, variables: ["txn.alg": "HS256"]) == "0")
            let context = try exchange("GET / HTTP/1.1\nHost: a\nToken: \(forged)\n\n")
            let section = try Section(
                .listen,
                """
                http-request set-var(txn.key) str(\(key))
                http-request deny if { req.hdr(x),jwt_verify(RS256,\(key)) 1 }
                http-request set-header x %[req.hdr(token),jwt_verify(HS256,txn.key)]
                """)
            _ = section.rules.ruleSet(.httpRequest).run(on: context)
            #expect(lines(context.request.fields).last == "x: 0")
        }
    }

    @Test func `What is no token is told from one that is not good`() throws {
        let token = Self.tokens["HS256"]!
        let parts = token.split(separator: ".").map(String.init)
        let cases = [
            (parts[0], "-3"), ("\(parts[0]).\(parts[1])", "-3"), ("\(parts[0]).\(parts[1]).", "-3"),
            (token + ".abc", "-3"),
            (token + ".abc.def", "-3"), (String(token.dropLast()) + "!", "-3"), ("e!x.\(parts[1]).\(parts[2])", "0"),
            ("", "-3"), (String(token.dropLast(4)), "0"), ("..", "-3"),
        ]
        for (token, expected) in cases { #expect(try verdict(token, "HS256", "secret") == expected, "\(token)") }
        for (algorithm, expected) in [("XX256", "-1"), ("HS25", "-1"), ("HS257", "-1"), ("none", "0"), ("", "-1")] {
            #expect(try verdict(token, "txn.alg", "secret", variables: ["txn.alg": algorithm]) == expected)
        }
        #expect(try verdict(token, "txn.alg", "secret") == "-1")
        #expect(try verdict(Self.tokens["none"]!, "none", "secret") == "1")
        try withKeys { folder throws in
            let short = String(Self.tokens["ES256"]!.dropLast(4))
            #expect(try verdict(short, "ES256", "\(folder)/ec256.pem") == "-3")
            #expect(try verdict(Self.tokens["ES256"]!, "ES384", "\(folder)/ec384.pem") == "0")
        }
    }

    @Test(arguments: [
        ("jwt_header_query", #"{"alg": "HS256", "typ": "JWT"}"#), ("jwt_header_query('$.alg')", "HS256"),
        ("jwt_payload_query", #"{"sub": "me", "iat": 1516239022, "admin": true, "roles": ["a", "b"]}"#),
        ("jwt_payload_query('$.iat','int')", "1516239022"), ("jwt_payload_query('$.iat'),add(1)", "1516239023"),
        ("jwt_payload_query('$.admin')", "1"), ("jwt_payload_query('$.roles[1]')", "b"),
        ("jwt_payload_query('$.nope')", nil),
    ])
    func `What is in a token can be asked for`(converter: String, expected: String?) throws {
        let token = Self.tokens["HS256"]!
        #expect(try value("str(\(token)),\(converter)", exchange()) == expected)
        let isHeader = converter.hasPrefix("jwt_header")
        let cut = token.split(separator: ".").prefix(isHeader ? 1 : 2).joined(separator: ".")
        #expect(try value("str(\(cut)),\(converter)", exchange()) == expected)
        #expect(try value("str(a!b.c!d.e),\(converter)", exchange()) == nil)
        #expect(
            try value("str(\(isHeader ? "" : "abc")),\(converter)", exchange())
                == (converter == "jwt_header_query" ? "" : nil))
    }

    @Test(arguments: [
        ("str(a),jwt_verify", "'jwt_verify' lacks an argument"),
        ("str(a),jwt_verify(RS256)", "'jwt_verify' lacks an argument"),
        ("str(a),jwt_verify(RS255,x)", "'RS255' is no algorithm of signed tokens"),
        ("str(a),jwt_verify(RS256,/nowhere.pem)", "cannot read '/nowhere.pem': No such file or directory"),
        ("str(a),jwt_verify(txn.alg,nowhere.pem)", "cannot read 'nowhere.pem': No such file or directory"),
        ("str(a),jwt_verify_cert(txn.alg,nowhere)", "cannot read 'nowhere': No such file or directory"),
        ("str(a),jwt_verify(RS256,/dev/null)", "'/dev/null' holds no public key and no certificate"),
        ("str(a),jwt_payload_query($.a,x)", "'x' is no type here"),
        ("str(a),jwt_header_query(alg)", "'alg' is no path that is known here"),
    ])
    func `What makes no sense is refused`(expression: String, message: String) throws {
        #expect(try refusal(of: expression) == message)
    }
}
