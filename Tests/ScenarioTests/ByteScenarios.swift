// Bytes that are not UTF-8, in a configuration as such or as `\xE9`: they are the same bytes everywhere.

import Foundation
import Testing

@Suite(.staged) struct ByteScenarios {
    private static let word: [UInt8] = [0x63, 0x61, 0x66, 0xE9]

    /// The bytes of a response to a request with a field `X-In` of these bytes.
    private func answer(_ target: String, _ field: [UInt8], from port: Int) throws -> [UInt8] {
        let connection = try Connection(to: port)
        defer { connection.close() }
        try connection.send(
            bytes: Array("GET \(target) HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-In: ".utf8) + field
                + Array("\r\n\r\n".utf8))
        return try connection.receiveAll()
    }

    private func status(_ answer: [UInt8]) -> String { String(decoding: answer.dropFirst(9).prefix(3), as: UTF8.self) }

    @Test("Patterns, texts, fields, bodies, error pages and paths", arguments: [false, true])
    func everywhere(isEscaped: Bool) throws {
        let folder = Stage.current.folder
        _ = try Stage.current.file("list", bytes: Self.word + [0x0A])
        _ = try Stage.current.file("map", bytes: Self.word + [0x20, 0xE9, 0x0A])
        _ = try Stage.current.file(
            "page",
            bytes: Array("HTTP/1.0 503 Nope \u{E9}".utf8) + [0xE9, 0x0D, 0x0A]
                + Array("X-Page: ".utf8) + Self.word + [0x0D, 0x0A, 0x0D, 0x0A, 0xE9])
        let port = try freePort()
        let text = """
            frontend front
                bind 127.0.0.1:\(port)
                errorfile 503 FOLDER/page
                http-request deny deny_status 401 if { path /sub } { req.hdr(x-in) -m sub E9 }
                http-request deny deny_status 401 if { path /str } { req.hdr(x-in) -m str cafE9 }
                http-request deny deny_status 401 if { path /end } { req.hdr(x-in) -m end E9 }
                http-request deny deny_status 401 if { path /reg } { req.hdr(x-in) -m reg ^caf[E9]$ }
                http-request deny deny_status 401 if { path /list } { req.hdr(x-in) -f FOLDER/list }
                http-request return status 200 content-type text/plain lf-string "%[req.hdr(x-in),map(FOLDER/map),hex]" if { path /map }
                http-request return status 200 content-type text/plain string cafE9 hdr X-Out cafE9 hdr X-In %[req.hdr(x-in)] if { path /own }
                http-request return status 200 content-type text/plain lf-string "cafE9%[str(E9),hex]%[str(aE9b),field(2,E9)]" if { path /format }
                http-request redirect location /cafE9 if { path /redirect }
                http-request set-var(txn.x) str(a),concat(E9),hex
                http-request return status 200 content-type text/plain lf-string %[var(txn.x)] if { path /variable }

            """
        var bytes: [UInt8] = []
        for (i, part) in text.components(separatedBy: "E9").enumerated() {
            if i > 0 { bytes += isEscaped ? Array(#"\xE9"#.utf8) : [0xE9] }
            // The folder's name comes last: it has E9 in it at times.
            bytes += Array(part.replacingOccurrences(of: "FOLDER", with: folder).utf8)
        }
        let file = try Stage.current.file("bytes.cfg", bytes: bytes)
        let portico = try Portico(opening(), listeningOn: port, arguments: ["-f", file])

        for path in ["/sub", "/str", "/end", "/reg", "/list"] {
            #expect(try status(answer(path, Self.word, from: port)) == "401", "\(path)")
            // What a UTF-8 decoder would have made of it.
            #expect(try status(answer(path, Array("caf\u{FFFD}".utf8), from: port)) == "503", "\(path)")
        }
        #expect(try answer("/map", Self.word, from: port).suffix(2) == Array("E9".utf8))
        let own = try answer("/own", [0xFF, 0x80], from: port)
        #expect(own.suffix(4) == Self.word)
        #expect(own.firstRange(of: Array("x-out: ".utf8) + Self.word + [0x0D]) != nil)
        #expect(own.firstRange(of: Array("x-in: ".utf8) + [0xFF, 0x80, 0x0D]) != nil)
        #expect(try answer("/format", [0x61], from: port).suffix(7) == Self.word + Array("E9b".utf8))
        #expect(
            try answer("/redirect", [0x61], from: port).firstRange(of: Array("location: /".utf8) + Self.word) != nil)
        #expect(try answer("/variable", [0x61], from: port).suffix(4) == Array("61E9".utf8))
        let page = try answer("/", [0x61], from: port)
        #expect(page.last == 0xE9 && page.firstRange(of: Array("x-page: ".utf8) + Self.word) != nil)
        withExtendedLifetime(portico) {}
    }

    @Test("A file whose name is no UTF-8 is found")
    func paths() throws {
        let folder = Stage.current.folder
        // Foundation cannot create such names.
        let link = Array("\(folder)/caf".utf8) + [0xE9, 0]
        let target = try Stage.current.file("plain", "a one\n")
        let made = unsafe link.withUnsafeBufferPointer { path in
            unsafe path.withMemoryRebound(to: CChar.self) { unsafe symlink(target, $0.baseAddress.unsafelyUnwrapped) }
        }
        #expect(made == 0)
        let port = try freePort()
        let portico = try Portico(
            """
            \(opening())
            frontend front
                bind 127.0.0.1:\(port)
                http-request return status 200 content-type text/plain lf-string %[str(a),map(\(folder)/caf\\xE9)]
            """, listeningOn: port)
        #expect(try fetch("/", from: port).text == "one")
        withExtendedLifetime(portico) {}
    }
}
