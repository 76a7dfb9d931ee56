// A certificate authority of a test, and the certificates that it signs, made with OpenSSL's program.

import Foundation

/// Signs certificates for the duration of a test.
struct TestAuthority {
    /// Its certificate, in PEM.
    let certificate: String
    private let key: String
    private let folder: String

    init(named name: String = "Test CA") throws {
        folder = Stage.current.folder + "/authority-\(UUID().uuidString.prefix(4))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        certificate = folder + "/ca.pem"
        key = folder + "/ca.key"
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
            certificate, "-subj", "/CN=\(name)", "-days", "30")
    }

    /// Signs a certificate; returns the path of a file with it and its key.
    /// - Parameters:
    ///   - names: host names and IP addresses; the first one is its common name too.
    ///   - algorithm: of its key, as `openssl req -newkey` has it, with what belongs to it.
    ///   - days: how long it is valid from now on; negative for one that has expired.
    ///   - responder: the port of the OCSP responder, on this machine, that it names.
    func issue(
        for names: String..., algorithm: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], days: Int = 30,
        responder: Int? = nil
    ) throws -> String {
        let path = "\(folder)/\(UUID().uuidString.prefix(8))"
        let alternatives = names.map { ($0.allSatisfy { $0.isNumber || $0 == "." } ? "IP:" : "DNS:") + $0 }
        try openssl(
            ["req", "-newkey"] + algorithm + [
                "-nodes", "-keyout", path + ".key", "-out", path + ".csr", "-subj", "/CN=\(names[0])", "-addext",
                "subjectAltName=\(alternatives.joined(separator: ","))",
            ] + (responder.map { ["-addext", "authorityInfoAccess=OCSP;URI:http://127.0.0.1:\($0)/"] } ?? []))
        try openssl(
            "x509", "-req", "-in", path + ".csr", "-CA", certificate, "-CAkey", key, "-CAcreateserial", "-days",
            "\(days)", "-copy_extensions", "copy", "-out", path + ".crt")
        let parts = try [path + ".crt", path + ".key"].map { try String(contentsOfFile: $0, encoding: .utf8) }
        try parts.joined().write(toFile: path + ".pem", atomically: true, encoding: .utf8)
        // Beside the file only what a test puts there.
        for ending in [".crt", ".key", ".csr"] { try FileManager.default.removeItem(atPath: path + ending) }
        return path + ".pem"
    }

    /// A list of revoked certificates, of files that this authority has signed; returns its path.
    func revocationList(of files: String...) throws -> String {
        let index = try Stage.current.file("\(folder.split(separator: "/").last ?? "")-index.txt", "")
        let settings = try Stage.current.file(
            "\(folder.split(separator: "/").last ?? "").cnf",
            "[ca]\ndefault_ca=own\n[own]\ndatabase=\(index)\ndefault_md=sha256\ndefault_crl_days=30\n")
        let common = ["-config", settings, "-keyfile", key, "-cert", certificate]
        for file in files { try openssl(["ca"] + common + ["-revoke", file]) }
        let list = "\(folder)/\(UUID().uuidString.prefix(8)).crl"
        try openssl(["ca"] + common + ["-gencrl", "-out", list])
        return list
    }

    // MARK: OCSP

    /// A database of OpenSSL's with one certificate, good or revoked.
    private func database(of file: String, isRevoked: Bool) throws -> String {
        let name = "\(folder.split(separator: "/").last ?? "")-\(UUID().uuidString.prefix(8))"
        let index = try Stage.current.file("\(name)-index.txt", "")
        let settings = try Stage.current.file(
            "\(name).cnf", "[ca]\ndefault_ca=own\n[own]\ndatabase=\(index)\ndefault_md=sha256\n")
        try openssl(
            "ca", "-config", settings, "-keyfile", key, "-cert", certificate, isRevoked ? "-revoke" : "-valid", file)
        return index
    }

    /// A response of OCSP about a file, in DER, valid for a day, signed by this authority; returns its path.
    /// - Parameter issuer: who has signed the file; nil for this authority.
    func ocspResponse(about file: String, issuedBy issuer: TestAuthority? = nil, isRevoked: Bool = false) throws
        -> String
    {
        let path = "\(folder)/\(UUID().uuidString.prefix(8))"
        let issuer = issuer ?? self
        try openssl("ocsp", "-issuer", issuer.certificate, "-cert", file, "-no_nonce", "-reqout", path + ".req")
        try openssl(
            "ocsp", "-index", try database(of: file, isRevoked: isRevoked), "-reqin", path + ".req", "-respout",
            path + ".resp", "-ndays", "1", "-rsigner", certificate, "-rkey", key, "-CA", issuer.certificate)
        return path + ".resp"
    }

    /// Starts OpenSSL's OCSP responder for one file.
    func startResponder(on port: Int, for file: String, isRevoked: Bool = false) throws {
        let index = try database(of: file, isRevoked: isRevoked)
        let child = try Child(
            [
                "openssl", "ocsp", "-index", index, "-port", "\(port)", "-ndays", "1", "-rsigner", certificate, "-rkey",
                key,
                "-CA", certificate,
            ],
            named: "responder-\(port)", in: Stage.current.folder)
        Stage.current.atTheEnd { child.stop(patience: 0.5) }
        guard eventually(within: 60, { isListening(on: port) }) else {
            throw StageFault("the responder does not listen: \(child.errors)")
        }
    }

    private func openssl(_ arguments: String...) throws { try openssl(arguments) }

    private func openssl(_ arguments: [String]) throws {
        let ended = try play(["openssl"] + arguments)
        guard ended.exit == .status(0) else { throw StageFault("openssl \(arguments): \(ended.errors)") }
    }
}

/// A server of Python's that speaks TLS and tells what it sees of it; see Peers/tls_server.py.
struct SecureServer {
    let port: Int

    /// What it tells of a request.
    struct Facts: Equatable {
        var connection = 0, request = 0
        var name = "", isResumed = false, version = "", alpn = "", client = "", header = ""

        init(_ text: String) throws {
            let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count == 8 else { throw StageFault("the server tells no facts: \(text)") }
            connection = Int(words[0]) ?? 0
            request = Int(words[1]) ?? 0
            (name, isResumed, version) = (words[2], words[3] == "True", words[4])
            (alpn, client, header) = (words[5], words[6], words[7])
        }
    }

    init(_ certificate: String, _ options: String..., port given: Int? = nil) throws {
        port = try given ?? freePort()
        let child = try Child(
            ["/usr/bin/python3", projectFolder + "/Tests/ScenarioTests/Peers/tls_server.py", "\(port)", certificate]
                + options, named: "tls-\(port)", in: Stage.current.folder)
        Stage.current.atTheEnd { child.stop() }
        Stage.current.inCaseOfFailure { child.errors }
        let port = port
        guard eventually(within: 60, { isListening(on: port) }) else {
            throw StageFault("tls_server.py does not listen: \(child.errors)")
        }
    }
}
