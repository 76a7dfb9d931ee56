// What is left of a private key in the process's memory when another one has taken its place.

import Foundation
import Testing

@Suite(.staged, .enabled(if: Portico.isItself)) struct KeyMemoryScenarios {
    /// What of a key may be found in memory.
    private struct Key {
        /// A line of its file that only this key has.
        let text: [UInt8]
        /// Its secret number, or the beginning of that, as files have it.
        let number: [UInt8]

        /// - Parameters:
        ///   - file: with a certificate and its key.
        ///   - field: what OpenSSL calls the number.
        init(_ file: String, _ field: String) throws {
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            let start = try #require(lines.firstIndex { $0.contains("BEGIN PRIVATE KEY") })
            let end = try #require(lines.lastIndex { $0.contains("END PRIVATE KEY") })
            // The number of an elliptic key begins in the first line, the primes of an RSA key stand in the second half.
            text = Array(lines[end - start < 10 ? start + 1 : (start + 2 * end) / 3].utf8)
            let shown = try play(["openssl", "pkey", "-in", file, "-noout", "-text"]).output
            let digits = try #require(
                shown.firstMatch(of: try Regex("\(field):\\n((?: +[0-9a-f:]+\\n)+)"))?[1].substring)
            let bytes = digits.split { !$0.isHexDigit }.compactMap { UInt8($0, radix: 16) }.drop { $0 == 0 }
            number = Array(bytes.prefix(24))
        }

        /// How often a process has the number as OpenSSL computes with it, and how often anything else of the key.
        func occurrences(in pid: Int32) throws -> (used: Int, stray: Int) {
            let patterns = [number.reversed(), number, text].map { $0.map { String(format: "%02x", $0) }.joined() }
            let ended = try play(
                ["/usr/bin/python3", projectFolder + "/Tests/ScenarioTests/Peers/memory.py", "\(pid)"] + patterns)
            let counts = ended.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            guard counts.count == 3 else { throw StageFault("memory.py: \(ended.errors)") }
            return (counts[0], counts[1] + counts[2])
        }
    }

    @Test(
        "A key that was replaced, by its file or by commands, is nowhere in memory; one in use is there once, and its text is not",
        arguments: [(["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "priv"), (["rsa:2048"], "prime1")])
    func wiped(algorithm: [String], field: String) throws {
        let authority = try TestAuthority()
        let files = try (0..<3).map { _ in try authority.issue(for: "www.example", algorithm: algorithm) }
        let keys = try files.map { try Key($0, field) }
        let texts = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        let file = try Stage.current.file("keys/site.pem", texts[0])
        let socket = Stage.current.folder + "/runtime"
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening(global: "stats socket \(socket) level admin"))
            frontend www
                bind 127.0.0.1:\(port) ssl crt \(file)
                http-request return status 200 content-type text/plain string ok
            """, listeningOn: port)
        let pid = portico.process.pid
        func check(_ current: Int) throws {
            #expect(try SecureClient(port).hasAnswer)
            let inUse = try keys[current].occurrences(in: pid)
            #expect(inUse.used > 0 && inUse.stray == 0, "key \(current): \(inUse)")
            for old in keys[..<current] {
                var left: (used: Int, stray: Int)?
                // A connection that ends takes the last reference along.
                _ = eventually(within: 10) {
                    left = try? old.occurrences(in: pid)
                    return left.map { $0 == (0, 0) } ?? false
                }
                #expect(left.map { $0 == (0, 0) } ?? false, "with key \(current): \(String(describing: left))")
            }
        }
        try check(0)
        try texts[1].write(toFile: file, atomically: true, encoding: .utf8)
        _ = try portico.logLine(with: "Certificate '\(file)' was renewed from its file.")
        try check(1)
        #expect(try ask(socket, "set ssl cert \(file) <<\n\(texts[2])").contains("Transaction created"))
        #expect(try ask(socket, "commit ssl cert \(file)").contains("Success!"))
        try check(2)
    }
}
