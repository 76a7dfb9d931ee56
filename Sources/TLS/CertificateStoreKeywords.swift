// `crt-store` sections, in which certificates get names and files of their own, and `ssl-f-use` lines, which give a frontend
// certificates without naming them at each address.

internal import Basics
public import Configuration

/// What a `crt-store` section says.
public struct CertificateStoreSettings: SectionSettings {
    /// `crt-base` and `key-base` of the section.
    var certificatesFolder: String?
    var keysFolder: String?
    var loads: [Load] = []

    public init() {}

    /// A `load` line.
    struct Load: Sendable {
        var options = CertificateListOptions()
        var alias: Word?
    }
}

/// What a frontend says of the certificates of all its addresses.
public struct FrontendCertificates: SectionSettings {
    /// `ssl-f-use`, in order.
    public var entries: [CertificateListEntry] = []

    public init() {}
}

extension TLSKeywords {
    /// The keywords of sections other than `global`.
    static let sections: [Keyword] = [
        Keyword(
            "crt-base", in: "crt-store", usage: "crt-base <folder>",
            summary: "The folder of `crt` in this section's lines."
        ) { (args, draft) throws(ConfigProblem) in
            draft[CertificateStoreSettings.self].certificatesFolder = try args.next("a folder").text
        },
        Keyword(
            "key-base", in: "crt-store", usage: "key-base <folder>",
            summary: "The folder of `key` in this section's lines."
        ) { (args, draft) throws(ConfigProblem) in
            draft[CertificateStoreSettings.self].keysFolder = try args.next("a folder").text
        },
        Keyword(
            "load", in: "crt-store",
            usage:
                "load crt <file> [alias <name>] [key <file>] [ocsp <file>] [issuer <file>] [sctl <file>] [ocsp-update on|off]",
            summary:
                "A certificate and the files that belong to it. Lines call it by its path, or by `@<store>/<alias>`; in a store "
                + "without a name by `@/<alias>`."
        ) { (args, draft) throws(ConfigProblem) in
            var load = CertificateStoreSettings.Load()
            try args.parameters(loadParameters, of: "load", into: &load)
            guard load.options.certificate != nil else {
                throw args.problem("'load' lacks a certificate", expected: "crt <file>")
            }
            draft[CertificateStoreSettings.self].loads.append(load)
        },
        Keyword(
            "ssl-f-use", in: [.frontend, .listen], usage: "ssl-f-use [<option>...] crt <file>",
            summary:
                "A certificate for all `bind` lines of the section that have `ssl`, with the options that a line of a crt-list may "
                + "have."
        ) { (args, draft) throws(ConfigProblem) in
            let keyword = args.keyword
            var entry = CertificateListEntry(certificate: keyword)
            try args.parameters(CertificateListOptions.parameters, of: "ssl-f-use", into: &entry.options)
            guard let certificate = entry.options.certificate else {
                throw args.problem("'ssl-f-use' lacks a certificate", expected: "crt <file>")
            }
            entry.certificate = certificate
            entry.hasOptions = true
            draft[FrontendCertificates.self].entries.append(entry)
        },
    ]

    private static let loadParameters: [Parameter<CertificateStoreSettings.Load>] =
        CertificateListOptions.files.map { $0.inside(\.options) } + [
            Parameter("alias", usage: "alias <name>", summary: "A name for lines to call it by.") {
                (args, load) throws(ConfigProblem) in load.alias = try args.next("a name")
            },
            Parameter(
                "domains", usage: "domains <name>[,...]", summary: "The names to ask a certificate for; not done yet."
            ) {
                (args, _) throws(ConfigProblem) in
                _ = try args.next("names")
                args.warn("Portico does not ask for certificates (ACME) yet: the file is used as it is")
            },
        ]
}

extension CertificateStore {
    /// Makes the certificates of a `crt-store` section known, and reads them.
    /// - Parameters:
    ///   - name: the section's; empty for the one without a name.
    ///   - uses: the words of other lines that name certificates.
    public func declare(
        _ settings: CertificateStoreSettings, store name: String, usedBy uses: [Word]
    ) throws(ConfigProblem) {
        let folder = settings.certificatesFolder ?? defaults.certificatesFolder
        for load in settings.loads {
            guard let word = load.options.certificate else { continue }
            let path = joined(folder, word.text)
            // What is named above has the files that lie beside it; it would have others here.
            if let use = uses.first(where: { joined(defaults.certificatesFolder, $0.text) == path && $0.isAbove(word) })
            {
                throw ConfigProblem(
                    "'\(path)' is used in line \(use.range.line) already, before it gets its files here",
                    at: word.range,
                    expected: "the crt-store section above that line")
            }
            let alias = "@\(name)/\(load.alias?.text ?? word.text)"
            var files = CertificateFiles(
                name: name.isEmpty && load.alias == nil ? path : alias, path: word.place(of: path))
            if let key = load.options.key {
                files.key = key.place(of: joined(settings.keysFolder ?? defaults.keysFolder ?? folder, key.text))
            }
            if let ocsp = load.options.ocsp { files.ocsp = ocsp.place(of: joined(folder, ocsp.text)) }
            if let issuer = load.options.issuer { files.issuer = issuer.place(of: joined(folder, issuer.text)) }
            if let timestamps = load.options.timestamps {
                files.timestamps = timestamps.place(of: joined(folder, timestamps.text))
            }
            declare(files, as: name.isEmpty && load.alias == nil ? [path, alias] : [alias])
            do throws(CertificateProblem) {
                _ = try certificate(files)
            } catch {
                throw error.problem(at: word)
            }
            try note(load.options.updatesResponse, of: files.name, at: word, isOfStore: true)
        }
    }
}

extension Word {
    /// Whether it stands above the other in the same file.
    fileprivate func isAbove(_ other: Word) -> Bool { range.file == other.range.file && range.line < other.range.line }
}
