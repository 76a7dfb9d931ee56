// Words about the names of fields: which may pass, in which case they are written, and the one that names the server.

internal import Configuration
internal import HTTP
internal import Reactor
internal import SystemPackage

enum FieldNameKeywords {
    /// A file of names is short.
    private static let fileBytesMax = 1 << 20

    static let table: [Keyword] = [
        Keyword(
            "option http-restrict-req-hdr-names", in: .proxies,
            usage: "option http-restrict-req-hdr-names preserve|delete|reject",
            summary:
                "Says what becomes of a request's fields whose names have other characters than letters, digits and "
                + "hyphens, behind the section's http-request rules. CGI takes X_A and X-A for the same. Default: preserve."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self].unusualNames = try args.choice(
                "a policy", of: ["preserve": .preserve, "delete": .delete, "reject": .reject])
        },
        Keyword(
            "http-send-name-header", in: .backends, usage: "http-send-name-header <name>",
            summary: "Tells each server its own name, as the configuration has it, in the only field of this name."
        ) { (args, draft) throws(ConfigProblem) in
            let word = try args.nextFieldName("a field name")
            let name = try fieldName(word, args)
            guard !["host", "content-length", "transfer-encoding", "connection"].contains(word.text.lowercased()) else {
                throw args.problem("'\(word.text)' cannot name the server: the message needs it", at: word)
            }
            draft[ProxySettings.self].serverNameField = name
        },
        bogus("client", .frontends, \.adjustsCaseForClients, "clients"),
        bogus("server", .backends, \.adjustsCaseForServers, "servers"),
        Keyword(
            "h1-case-adjust", in: .global, usage: "h1-case-adjust <from> <to>",
            summary: "Writes the name of a field, lower case as Portico has it, in another case, where "
                + "option h1-case-adjust-bogus-client or -server asks for it."
        ) { (args, draft) throws(ConfigProblem) in
            let from = try args.next("a field name in lower case")
            let to = try args.next("the same name in another case")
            if let why = add(from.text, to.text, to: &draft[ProcessSettings.self].caseAdjustments) {
                throw args.problem(why, at: from)
            }
        },
        Keyword(
            "h1-case-adjust-file", in: .global, usage: "h1-case-adjust-file <file>",
            summary: "Reads what h1-case-adjust says from a file, one pair of names a line; a later file replaces it."
        ) { (args, draft) throws(ConfigProblem) in
            let file = try args.next("a file's path")
            let bytes: [UInt8]
            do throws(Errno) {
                bytes = try SystemFile.bytes(of: file.text, atMost: fileBytesMax)
            } catch {
                throw args.problem("cannot read '\(file.text)': \(error)", at: file)
            }
            var adjustments = CaseAdjustments()
            for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
                    .map { String(decoding: $0, as: UTF8.self) }
                guard let first = words.first, !first.hasPrefix("#") else { continue }
                let why =
                    words.count == 2
                    ? add(first, words[1], to: &adjustments)
                    : "there are \(words.count) words where two names are expected"
                if let why { throw args.problem("'\(file.text)', line \(number + 1): \(why)", at: file) }
            }
            draft[ProcessSettings.self].caseAdjustmentsOfFile = adjustments
        },
    ]

    private static func bogus(
        _ side: String, _ sections: Sections, _ flag: any WritableKeyPath<ProxySettings, Bool> & Sendable,
        _ peers: String
    ) -> Keyword {
        let name = "option h1-case-adjust-bogus-\(side)"
        return Keyword(
            name, in: sections, usage: name,
            summary: "Writes the names of fields to \(peers) in the case that h1-case-adjust says.", negatable: true
        ) { (args, draft) throws(ConfigProblem) in
            draft[ProxySettings.self][keyPath: flag] = !args.isNegated
        }
    }

    /// Why a pair is not right; nil if it was added.
    private static func add(_ from: String, _ to: String, to adjustments: inout CaseAdjustments) -> String? {
        let lowercased = Array(from.utf8)
        let adjusted = Array(to.utf8)
        guard unsafe HeaderFields.isToken(lowercased.span.bytes) else { return "'\(from)' cannot be a field name" }
        if from != from.lowercased() { return "'\(from)' is not in lower case" }
        if to.lowercased() != from { return "'\(from)' and '\(to)' differ in more than their case" }
        if adjustments.contains(lowercased) { return "'\(from)' is adjusted twice" }
        adjustments.add(lowercased, adjusted)
        return nil
    }

    private static func fieldName(_ word: Word, _ args: Arguments) throws(ConfigProblem) -> [UInt8] {
        let name = Array(word.text.lowercased().utf8)
        guard unsafe HeaderFields.isToken(name.span.bytes) else {
            throw args.problem("'\(word.text)' cannot be a field name", at: word)
        }
        return name
    }
}

extension ProcessSettings {
    /// Those of lines, and of the file for other names.
    var allCaseAdjustments: CaseAdjustments { caseAdjustments.merged(with: caseAdjustmentsOfFile) }
}
