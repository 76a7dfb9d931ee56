// A crt-list: a certificate a line, with options in brackets and the names that it is for.

internal import Basics
public import Configuration

/// One line of a crt-list, or one `ssl-f-use` line.
public struct CertificateListEntry: Sendable, Equatable {
    /// A path, or the name of a certificate in a crt-store.
    public var certificate: Word
    public var options = CertificateListOptions()
    /// The names of the line: filters as `*.example.com` and `!old.example.com`.
    public var filters: [Word] = []
    /// Options and names as they are written, for `show ssl crt-list`.
    var text = ""
    /// Whether the line has options.
    public var hasOptions = false
}

/// The options of an entry.
public struct CertificateListOptions: Sendable, Equatable {
    public var `protocol` = TLSProtocolOptions()
    public var hiddenAuthorities: Word?
    public var hidesAuthorityNames = false
    /// Files that the entry names: `crt`, `key`, `ocsp`, `issuer`, `sctl`.
    public var certificate: Word?
    public var key: Word?
    public var ocsp: Word?
    public var issuer: Word?
    public var timestamps: Word?
    /// `ocsp-update`: whether OCSP responses are fetched; nil where the entry does not say.
    public var updatesResponse: Bool?

    public init() {}

    /// Writes the files that the entry names over those that lie beside its certificate.
    func name(_ files: inout CertificateFiles, _ defaults: TLSDefaults) {
        let folder = defaults.certificatesFolder
        if let key { files.key = key.place(of: joined(defaults.keysFolder ?? folder, key.text)) }
        if let ocsp { files.ocsp = ocsp.place(of: joined(folder, ocsp.text)) }
        if let issuer { files.issuer = issuer.place(of: joined(folder, issuer.text)) }
        if let timestamps { files.timestamps = timestamps.place(of: joined(folder, timestamps.text)) }
    }

    /// The words of an entry's options.
    static let parameters: [Parameter<CertificateListOptions>] =
        TLSProtocolKeywords.rows(\.protocol, for: .bind).filter { shared.contains($0.name) } + own + files

    private static let shared: Set = [
        "allow-0rtt", "alpn", "ca-file", "ciphers", "ciphersuites", "client-sigalgs", "crl-file", "curves", "ecdhe",
        "ktls",
        "sigalgs", "ssl-min-ver", "ssl-max-ver", "verify",
    ]

    private static let own: [Parameter<CertificateListOptions>] = [
        Parameter("no-alpn", usage: "no-alpn", summary: "As for `bind`.") { (_, options) throws(ConfigProblem) in
            options.protocol.applicationProtocols = []
        },
        Parameter("no-ca-names", usage: "no-ca-names", summary: "As for `bind`.") {
            (_, options) throws(ConfigProblem) in
            options.hidesAuthorityNames = true
        },
        Parameter("ca-verify-file", usage: "ca-verify-file <file>", summary: "As for `bind`.") {
            (args, options) throws(ConfigProblem) in
            options.hiddenAuthorities = try args.next("a file of certificates")
        },
    ]

    /// The words about files, which `load` of a crt-store has too.
    static let files: [Parameter<CertificateListOptions>] = [
        file("crt", \.certificate, "The certificate, in PEM."),
        file("key", \.key, "Its private key, instead of one in the certificate's file."),
        file("ocsp", \.ocsp, "A response of OCSP in DER that is sent with it."),
        file("issuer", \.issuer, "The certificate that signed it, if the file of the certificate does not have it."),
        file("sctl", \.timestamps, "Signed timestamps (RFC 6962) that are sent with it."),
        Parameter(
            "ocsp-update", usage: "ocsp-update on|off",
            summary:
                "Whether its OCSP responses are fetched from the responder that it names; as `ocsp-update.mode` by default."
        ) { (args, options) throws(ConfigProblem) in
            options.updatesResponse = try args.choice("a word", of: ["on": true, "off": false])
        },
    ]

    private static func file(
        _ name: String, _ field: any (WritableKeyPath<CertificateListOptions, Word?> & Sendable), _ summary: String
    ) -> Parameter<CertificateListOptions> {
        Parameter(name, usage: "\(name) <file>", summary: summary) { (args, options) throws(ConfigProblem) in
            options[keyPath: field] = try args.next("a file")
        }
    }
}

public enum CertificateList {
    /// The entries of a file.
    /// - Parameter word: what names the file, for the problem that it cannot be read.
    static func read(_ path: String, named word: Word) throws(ConfigProblem) -> [CertificateListEntry] {
        let contents: SecretBytes
        do throws(FileRefusal) {
            contents = try SecretFile.read(word.place(of: path))
        } catch {
            throw ConfigProblem("'\(path)': \(error.text)", at: word.range)
        }
        var entries: [CertificateListEntry] = []
        for (index, line) in contents.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let entry = try entry(String(verbatim: line), path: path, number: index + 1, folder: word.folder)
            if let entry { entries.append(entry) }
        }
        guard !entries.isEmpty else { throw ConfigProblem("'\(path)' names no certificate", at: word.range) }
        return entries
    }

    /// Reads one line; nil if it is empty or a comment.
    /// - Parameter folder: where relative paths in it begin; nil: in the working directory.
    static func entry(
        _ line: String, path: String, number: Int, folder: String? = nil
    ) throws(ConfigProblem) -> CertificateListEntry? {
        var words = words(of: line, path: path, number: number)
        for i in words.indices { words[i].folder = folder }
        guard let first = words.first else { return nil }
        words.removeFirst()
        var entry = CertificateListEntry(certificate: first)
        entry.text = words.map(\.text).joined(separator: " ").replacing("[ ", with: "[").replacing(" ]", with: "]")
        if words.first?.text == "[" {
            guard let end = words.firstIndex(where: { $0.text == "]" }) else {
                throw ConfigProblem("'[' is not closed", at: words[0].range, expected: "']' behind the options")
            }
            try read(Array(words[1..<end]), into: &entry, keyword: first)
            words.removeFirst(end + 1)
        }
        if let bracket = words.first(where: { $0.text == "[" || $0.text == "]" }) {
            throw ConfigProblem(
                "'\(bracket.text)' is out of place", at: bracket.range,
                expected: "<certificate> [<options>] <names>, with one pair of brackets")
        }
        entry.filters = words
        return entry
    }

    /// Reads the words of options, of which there may be none.
    public static func read(
        _ words: [Word], into entry: inout CertificateListEntry, keyword: Word
    ) throws(ConfigProblem) {
        var arguments = Arguments(words: words, keyword: keyword)
        try arguments.parameters(
            CertificateListOptions.parameters, of: "crt-list", into: &entry.options)
        if let certificate = entry.options.certificate { entry.certificate = certificate }
        entry.hasOptions = !words.isEmpty
    }

    /// The words of a line. Brackets are words of their own; a hash at the beginning makes it a comment.
    private static func words(of line: String, path: String, number: Int) -> [Word] {
        var words: [Word] = []
        var text = ""
        var start = 1
        var depth = 0
        func flush() {
            guard !text.isEmpty else { return }
            words.append(
                Word(text, at: SourceRange(file: path, line: number, column: start, length: text.count)))
            text = ""
        }
        for (index, character) in line.enumerated() {
            if character == "#", text.isEmpty, words.isEmpty { return [] }
            // Brackets stand at the beginning and the end of words only: a file's name may have some inside.
            let opens = character == "[" && text.isEmpty && depth == 0
            let closes = character == "]" && depth > 0
            if character == " " || character == "\t" || character == "\r" || opens || closes {
                flush()
                guard opens || closes else { continue }
                depth += opens ? 1 : -1
                words.append(
                    Word(String(character), at: SourceRange(file: path, line: number, column: index + 1)))
            } else {
                if text.isEmpty { start = index + 1 }
                text.append(character)
            }
        }
        flush()
        return words
    }
}
