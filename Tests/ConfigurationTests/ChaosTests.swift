// Arbitrary files: parsing and printing never trap, and problems have positions inside the file.

import Chance
import Configuration
import Testing

@Suite struct ChaosTests {
    private static let good = """
        global
            setenv NAME "web ${HOME-none}" # comment
            stats socket /run/x \\
                extra
        defaults base
            mode http
            timeout client 5s
        frontend www from base
            bind "127.0.0.1:${PORT-80}" name 'it is'
            option httplog
            http-request add-header X-A "a\\x41\\"b"
        listen old :81
            contimeout 5
            reqadd X:\\ y
            reqrep ^([^\\ ]*)\\ /a/(.*) \\1\\ /b/\\2 if { path /a }
            .if streq("$PORT",80) && !(defined(X) || version_atleast(2.4-dev1))
            rspdel ^Server:.*
            .elif feature(EPOLL)
            .notice "é"
            .endif
            server a 127.0.0.1:80 check weight 10 "${OPTIONS[*]}" inter 2s
        backend app
            no option httpclose
            server b [::1]:80
            balance "$.FILE:$.LINE"

        """

    private func survive(_ bytes: [UInt8], seed: UInt64) {
        let loaded = TinyLanguage.language.load(
            bytes: bytes, named: "t.cfg", environment: ["OPTIONS": "check weight 5", "PORT": "\u{1B}"])
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).count
        for problem in loaded.problems {
            guard let range = problem.range, range.file == "t.cfg" else { continue }
            #expect(
                (1...lines).contains(range.line) && range.column >= 1 && range.length >= 1, "seed \(seed): \(problem)")
        }
        let printer = ProblemPrinter(sources: loaded.sources, usesColor: seed % 2 == 0)
        let text = printer.text(for: loaded.problems)
        #expect(loaded.problems.isEmpty == text.isEmpty, "seed \(seed)")
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func `random bytes`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        survive(
            (0..<Int.random(in: 0...2_000, using: &random)).map { _ in .random(in: 0...255, using: &random) },
            seed: seed)
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func `random lines of the characters that mean something`(_ seed: UInt64)
    {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "\"", "'", "\\", "$", "{", "}", "[*]", "-", "#", " ", "\t", "\n", "\r", "\n", "\\x", "\\\n", "A", "é",
            "${A", "$.LINE",
            ".if ", "\n.if 1\n", "\n.else\n", "\n.endif\n", "streq(", "defined(", "&&", "||", "!", ")", ",", "1",
            "\nreqrep ^", "\nreqdel ^X", "\nreqdeny ", "(.*)", "[^ ]*",
            "listen ", "bind ", "no ", "option ", "include ", "from ", ":80", "\0",
        ]
        let text = (0..<500).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        survive(Array(text.utf8), seed: seed)
    }

    @Test(arguments: 0..<400 as Range<UInt64>) func `a good file with a few bytes changed`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = Array(Self.good.utf8)
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[at] = .random(in: 0...255, using: &random)
            case 1: bytes.remove(at: at)
            case 2: bytes.insert("\"'\\$#\n \0{}".utf8.randomElement(using: &random) ?? 0, at: at)
            default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &random)))
            }
            if bytes.isEmpty { break }
        }
        survive(bytes, seed: seed)
    }

    @Test func `a good file cut off anywhere`() {
        let bytes = Array(Self.good.utf8)
        for count in bytes.indices { survive(Array(bytes[..<count]), seed: UInt64(count)) }
    }
}
