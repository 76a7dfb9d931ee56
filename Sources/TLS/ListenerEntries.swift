// The entries of a listener as operators see and change them while it runs: names, and the lines of its crt-lists.

internal import Basics
internal import Configuration

/// A name that a listener has a certificate for.
public struct ShownName: Sendable {
    /// With its asterisk; `*` for clients that no other entry is for.
    public let name: String
    /// The names that a wildcard's line excludes; `-` for none.
    public let excluded: String
    public let certificate: Certificate
}

/// A line of a crt-list, or a file of a folder, that a listener uses.
public struct ShownLine: Sendable {
    public let number: Int
    public let certificate: String
    /// Options and names.
    public let text: String
}

extension TLSListener {
    /// All names, in the order of the configuration.
    public var shownNames: [ShownName] {
        table.withLock { $0.entries }.flatMap { entry in
            let excluded = entry.names.filter(\.isNegated).map { "!\($0.name)" }.joined(separator: " ")
            return entry.names.filter { !$0.isNegated }.map { name in
                ShownName(
                    name: (name.isWildcard ? "*" : "") + name.name,
                    excluded: name.isWildcard && !excluded.isEmpty ? excluded : "-", certificate: entry.plan.certificate
                )
            }
        }
    }

    /// The lines of a list.
    func lines(of list: String) -> [ShownLine] {
        table.withLock { $0.entries }.compactMap { entry in
            guard let line = entry.plan.line, line.path == list else { return nil }
            return ShownLine(number: line.number, certificate: entry.plan.certificate.name, text: line.text)
        }
    }

    /// Makes ready for one more line of a list.
    func prepare(
        adding entry: CertificateListEntry, _ certificate: Certificate, line: ListLine, _ certificates: CertificateStore
    ) throws(CertificateProblem) -> @Sendable () -> Void {
        let (old, settings) = table.withLock { ($0.entries, $0.settings) }
        let plan: EntryPlan
        do throws(ConfigProblem) {
            plan = try ListenerMaker.plan(
                adding: entry, certificate, line: line, to: options, root: settings, certificates)
        } catch {
            throw CertificateProblem(certificate.name, error.message)
        }
        let made = try makeTable(old.map(\.plan) + [plan], settings, keeping: old)
        return { [self] in table.withLock { $0 = made } }
    }

    /// Whether the line's certificate is what clients get that no other is for, so that the listener cannot be without it.
    func needs(_ line: ShownLine, of list: String) -> Bool {
        options.isStrict != true
            && table.withLock { table in
                table.entries.contains {
                    $0.plan.isDefault && $0.plan.line?.path == list && $0.plan.line?.number == line.number
                        && $0.plan.certificate.name == line.certificate
                }
            }
    }

    /// Makes ready for one line of a list less.
    func prepare(removing line: ShownLine, of list: String) throws(CertificateProblem) -> @Sendable () -> Void {
        let (old, settings) = table.withLock { ($0.entries, $0.settings) }
        let plans = old.map(\.plan).filter { plan in
            plan.line?.path != list || plan.line?.number != line.number || plan.certificate.name != line.certificate
        }
        let made = try makeTable(plans, settings, keeping: old)
        return { [self] in table.withLock { $0 = made } }
    }
}

extension EncryptionState {
    /// The crt-lists and the folders of certificates that listeners use, each once.
    public var lists: [String] {
        var seen: Set<String> = []
        return listeners.flatMap(\.listener.lists).filter { seen.insert($0).inserted }
    }

    /// The lines of a list; nil if no listener uses one of this name.
    public func lines(of list: String) -> [ShownLine]? {
        listeners.first { $0.listener.lists.contains(list) }?.listener.lines(of: list)
    }

    private func users(of list: String) -> [Place] { listeners.filter { $0.listener.lists.contains(list) } }

    /// Adds a line to a list, in all listeners that use it (`add ssl crt-list`).
    /// - Returns: the certificate's name.
    public func add(_ text: String, to list: String) throws(TransactionProblem) -> String {
        func refusal(_ reason: String) -> TransactionProblem {
            TransactionProblem("Can't edit the crt-list: \(reason)")
        }
        guard let lines = lines(of: list) else { throw refusal("crt-list '\(list)' does not exist!") }
        let number = (lines.map(\.number).max() ?? 0) + 1
        var entry: CertificateListEntry?
        do throws(ConfigProblem) {
            entry = try CertificateList.entry(text, path: list, number: number)
        } catch {
            throw refusal(error.message)
        }
        guard let entry else { throw refusal("'add ssl crtlist' should contain the certificate name in the payload") }
        let name = entry.certificate.text
        guard let (known, _) = certificates.place(named: name) else {
            throw refusal("certificate '\(name)' does not exist!")
        }
        guard let certificate = certificates.certificate(of: known) else {
            throw refusal("certificate '\(known)' is empty!")
        }
        let isFolder = SecretFile.kind(of: list) == .folder
        guard !isFolder || (!entry.hasOptions && entry.filters.isEmpty) else {
            throw refusal("this is a directory, SSL configuration, crt-store keywords and filters are not allowed")
        }
        if let unknown = unknownFile(of: entry) { throw refusal("unable to load \(unknown)") }
        let updates = entry.options.updatesResponse
        if let conflict = certificates.conflict(of: known, updates) { throw refusal("'\(known)': \(conflict)") }
        var changes: [@Sendable () -> Void] = []
        do throws(CertificateProblem) {
            let line = ListLine(path: list, number: number, text: entry.text)
            for place in users(of: list) {
                changes.append(try place.listener.prepare(adding: entry, certificate, line: line, certificates))
            }
        } catch {
            throw refusal(error.text)
        }
        for change in changes { change() }
        certificates.note(updates, of: known)
        return known
    }

    /// A file of authorities or lists that the entry names and that is not loaded: nothing is read from disk while connections run.
    private func unknownFile(of entry: CertificateListEntry) -> String? {
        let options = entry.options
        let named: [(TrustKind, Word?)] = [
            (.authorities, options.protocol.authorities), (.authorities, options.hiddenAuthorities),
            (.revocations, options.protocol.revocations),
        ]
        for (kind, word) in named {
            guard let word else { continue }
            let name = TrustFiles.name(word, certificates.defaults.authoritiesFolder)
            if certificates.trust.file(kind, name) == nil { return name }
        }
        return nil
    }

    /// Removes a line from a list (`del ssl crt-list`).
    /// - Parameter wanted: a certificate's name, with a colon and the line's number where several lines have it.
    /// - Returns: the certificate's name.
    public func remove(_ wanted: String, from list: String) throws(TransactionProblem) -> String {
        func refusal(_ reason: String) -> TransactionProblem { TransactionProblem("Can't delete the entry: \(reason)") }
        guard let lines = lines(of: list) else { throw refusal("crt-list '\(list)' does not exist!") }
        var name = wanted
        var number: Int?
        if certificates.place(named: name) == nil, let colon = name.lastIndex(of: ":") {
            number = Int(name[name.index(after: colon)...])
            guard number != nil else { throw refusal("wrong line number after colons in '\(wanted)'!") }
            name = String(name[..<colon])
        }
        guard let (known, _) = certificates.place(named: name) else {
            throw refusal("certificate '\(name)' does not exist!")
        }
        let having = lines.filter { $0.certificate == known }
        let numbers = having.map { "\($0.number)" }.joined(separator: ", ")
        guard !having.isEmpty else { throw refusal("certificate '\(known)' can't be found in crt-list '\(list)'!") }
        guard number != nil || having.count == 1 else {
            throw refusal(
                "found the certificate '\(known)' in several entries, please specify a line number preceded by colons (\(numbers))!"
            )
        }
        guard let line = number == nil ? having.first : having.first(where: { $0.number == number }) else {
            throw refusal(
                "found a certificate '\(known)' but the line number is incorrect, please specify a correct line number preceded by "
                    + "colons (\(numbers))!")
        }
        let needing = users(of: list).filter { $0.listener.needs(line, of: list) }
        guard needing.isEmpty else {
            throw refusal(
                "certificate '\(known)' cannot be deleted, it is used as default certificate by the following frontends:"
                    + needing.map { "\n\t- \($0.line.file):\($0.line.line)" }.joined())
        }
        do throws(CertificateProblem) {
            for place in users(of: list) { try place.listener.prepare(removing: line, of: list)() }
        } catch {
            throw refusal(error.text)
        }
        certificates.noteChange()
        return known
    }
}
