// Certificates for these tests, made by the program `openssl` once for the process: an authority, one below it, and those it signs.

import Foundation
import Testing

enum Authority {
    /// Made at the first use, removed when the process ends.
    static func file(_ name: String) throws -> String {
        switch made {
        case .success(let folder): return folder + "/" + name
        case .failure(let failure): throw failure
        }
    }

    struct Failure: Error {
        let output: String
    }

    private static let made: Result<String, Failure> = {
        let folder = FileManager.default.temporaryDirectory.path + "/portico-tls-\(UUID().uuidString)"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script, "authority", folder]
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        do { try process.run() } catch { return .failure(Failure(output: "\(error)")) }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        atexit { Authority.remove() }
        return process.terminationStatus == 0 ? .success(folder) : .failure(Failure(output: text))
    }()

    private static func remove() {
        if case .success(let folder) = made { try? FileManager.default.removeItem(atPath: folder) }
    }

    private static let script = """
        set -eu
        mkdir "$1"; cd "$1"; umask 077
        key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
        self() { # NAME SUBJECT
          key "$1"; openssl req -x509 -new -utf8 -key "$1.key" -days 30 -out "$1.crt" -subj "$2" -addext keyUsage=keyCertSign,cRLSign
          cp "$1.crt" "$1.pem"
        }
        sign() { # NAME SUBJECT ISSUER SERIAL EXTENSIONS
          local name=$1 subject=$2 issuer=$3 serial=$4; printf "%b" "$5" > "$1.ext"
          key "$name"; openssl req -new -utf8 -key "$name.key" -subj "$subject" -out "$name.csr"
          openssl x509 -req -in "$name.csr" -CA "$issuer.crt" -CAkey "$issuer.key" -set_serial "$serial" -extfile "$name.ext" \\
            -out "$name.crt" -days 30
          cat "$name.crt" "$issuer.crt" "$name.key" > "$name.pem"
        }
        self root "/C=FR/O=Example/CN=Root"
        self other "/C=FR/O=Example/CN=Other"
        sign between "/C=FR/O=Example/CN=Between" root 7 "basicConstraints=CA:TRUE\\nkeyUsage=keyCertSign\\n"
        sign server "/C=FR/O=Example/CN=www.example.com" root 0x45B6C777 "subjectAltName=DNS:www.example.com\\n"
        sign client "/C=FR/O=Example, Inc./OU=one/OU=two/CN=Zoé" between 0x1007 \\
          "subjectAltName=DNS:client.example.com,IP:192.0.2.1\\ncertificatePolicies=0.4.0.1862.1.4,2.5.29.32.0\\n"
        sign stranger "/CN=stranger" other 9 ""
        """
}
