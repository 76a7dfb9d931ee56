// The manual of the configuration language in Markdown, printed from the tables that the parser uses, so
// that it cannot be wrong about a name, a usage or a section.

extension Language {
    /// The whole manual. The same tables give the same text, byte for byte.
    public func manual() -> String {
        introduction + sectionTable + keywordEntries + parameterLists + ignoredList + oldSpellings
    }

    private var introduction: String {
        let kinds = sectionKinds.filter { !SectionKind.builtIn.contains($0) }.map { "`\($0.name)`" }
        return """
            # Configuration

            This page is printed from the program's own tables (`portico help` shows the same in a terminal).

            ## How a file is written

            A file is made of sections, each begun by its name on a line of its own: `global`, `defaults`, `frontend`, `backend` and
            `listen`; \(kinds.listed("and")) hold what these refer to. Every other line is a keyword with its arguments.

            - Words are parted by blanks. `#` begins a comment.
            - `\\` makes the next character an ordinary one: `\\ `, `\\#`, `\\\\`, `\\'`, `\\"`. `\\n`, `\\r`, `\\t` and `\\xHH` stand for
              a line feed, a carriage return, a tab and the byte of that hexadecimal number. At the end of a line it continues the
              line in the next one.
            - Between `"` and `"`, blanks, `#` and `'` are ordinary, and environment variables are replaced: `$NAME`, `${NAME}`,
              `${NAME-default}`, and `${NAME[*]}` for a list that becomes one word per item. `\\$` is a dollar sign. `$.FILE`,
              `$.LINE` and `$.SECTION` tell the place.
              `$HAPROXY_CFGFILES` and `$HAPROXY_BRANCH` are set: the files, and the version of HAProxy whose language this is.
            - Between `'` and `'`, everything is ordinary.
            - The arguments of samples and converters, `regsub(\\d+,N)`, are read from the word that this makes. There, quotes again make
              commas, parentheses and blanks ordinary; outside `'`, a backslash before a backslash, a quote or a blank makes that
              ordinary, `\\n`, `\\r` and `\\t` are a line feed, a carriage return and a tab, and before anything else, a comma too, it
              is a backslash. Regular expressions and what replaces their matches have backslashes of their own; log formats have none.
            - Files are bytes: those that are no UTF-8 stay what they are, as those that `\\xHH` names do.
            - Times are whole numbers with a unit, `us`, `ms`, `s`, `m`, `h` or `d`; without one they count milliseconds unless the
              keyword says otherwise. Sizes are bytes, or with `k`, `m` or `g` 1024 times as much each.
            - Lines that begin with a dot choose among other lines, or print something: see [`.if`](#if) and its like.
            - `-f` may be given several times, and may name a folder, whose `*.cfg` files are read by name.

            A proxy section starts with everything that the last `defaults` section above it says, or the one named behind `from`:
            `backend app from slow`. Several `global` sections add up. A frontend and a backend may share a name; a `listen` section
            is both in one.


            """
    }

    /// Which keyword may stand in which section: a line for each, so that changes to the page stay small.
    private var sectionTable: String {
        let columns = SectionKind.builtIn
        let others = sectionKinds.filter { !columns.contains($0) }
        let names = Dictionary(grouping: keywords, by: \.name).sorted { $0.key < $1.key }
        return "## Where a keyword may stand\n\n| |\(columns.map { " \($0.name) |" }.joined()) elsewhere |\n"
            + "|---|\(columns.map { _ in ":-:|" }.joined())---|\n"
            + names.map { name, rows in
                let sections = rows.reduce(into: Sections()) { $0.formUnion($1.sections) }
                let isAnywhere = rows.contains(where: \.isDirective)
                let marks = columns.map { sections.contains(Sections($0)) ? " ● |" : " |" }.joined()
                let rest =
                    isAnywhere ? ["anywhere"] : others.filter { sections.contains(Sections($0)) }.map(\.name)
                return "| [`\(name)`](#\(name.anchor)) |\(marks)"
                    + (rest.isEmpty ? " |\n" : " \(rest.joined(separator: ", ")) |\n")
            }.joined() + "\n"
    }

    private var keywordEntries: String {
        let rows = Dictionary(grouping: keywords, by: \.name).sorted { $0.key < $1.key }
        return "## Keywords\n\n"
            + rows.map { name, rows in
                "### \(name)\n\n" + rows.map(entry).joined()
            }.joined()
    }

    private func entry(_ keyword: Keyword) -> String {
        var text = "```\n\(keyword.usage)\n```\n\n\(keyword.summary.markdown)\n\n"
        text += keyword.isDirective ? "Anywhere." : "In: \(names(of: keyword.sections).joined(separator: ", "))."
        if keyword.isNegatable { text += " `no \(keyword.name)` switches it off." }
        for group in parameterGroups where group.keyword == keyword.name {
            text += " [Parameters](#\("parameters of \(group.keyword)".anchor))."
        }
        return text + "\n\n"
    }

    private var parameterLists: String {
        parameterGroups.map { group in
            let title =
                keywords.contains { $0.name == group.keyword }
                ? "Parameters of `\(group.keyword)`" : group.keyword.prefix(1).uppercased() + group.keyword.dropFirst()
            return "## \(title)\n\n" + (group.keyword == "criteria" ? criteria(group) : Self.list(group)) + "\n"
        }.joined()
    }

    private static func list(_ group: ParameterGroup) -> String {
        group.parameters.map { row in
            // What a sample or converter yields is no part of what one writes.
            let parts = row.usage.split(separator: " (", maxSplits: 1)
            let type = parts.count == 2 && row.usage.hasSuffix(")") ? " (\(parts[1])" : ""
            return "- `\(type.isEmpty ? row.usage : String(parts[0]))`\(type): \(row.summary.markdown)\n"
        }.joined()
    }

    /// Every sample is a criterion; only the names that add a way to match are listed.
    private func criteria(_ group: ParameterGroup) -> String {
        let samples = Set(parameterGroups.first { $0.keyword == "samples" }?.parameters.map(\.name) ?? [])
        var forms: [(sample: String, names: [String])] = []
        for name in group.parameters.map(\.name) {
            if samples.contains(name) {
                forms.append((name, []))
            } else if !forms.isEmpty {
                forms[forms.count - 1].names.append(name)
            }
        }
        return
            "Every sample is one, with the values behind it that it is compared with. Some have names for the ways to match "
            + "them as well, in place of `-m`:\n\n"
            + forms.filter { !$0.names.isEmpty }.map { sample, names in
                "- `\(sample)`: \(names.map { "`\($0)`" }.joined(separator: ", "))\n"
            }.joined()
    }

    /// The words that are accepted without effect, unless a row has taken them over.
    private var ignoredList: String {
        let own = Set(keywords.map(\.name))
        let rows = IgnoredKeyword.table.filter { !own.contains($0.name) }
        let reasons = rows.reduce(into: [String]()) { if !$0.contains($1.reason) { $0.append($1.reason) } }
        return """
            ## Accepted and ignored

            HAProxy's words that have no effect here. Those marked with (!) are warned about, and so refused under `-dW`.

            - `tune.*`, as far as they have no entry above: Portico tunes this itself. `tune.http.cookielen` (!),
              `tune.http.logurilen` (!), `tune.ssl.keylog` (!), `tune.vars.*` (!).

            """
                + reasons.map { reason in
                    let names = rows.filter { $0.reason == reason }.map { row in
                        "`\(row.name)`\(row.isWarnedAbout ? " (!)" : "")"
                    }
                    return "- \(names.joined(separator: ", ")): \(reason).\n"
                }.joined() + "\n"
    }

    private var oldSpellings: String {
        """
        ## Old spellings

        Accepted in their new form, which a warning prints.


        """ + OldSpelling.table.map { "- `\($0.old)`: `\($0.new)`\n" }.joined()
            + OldRule.help + "- An address behind the name of a `frontend` or `listen`: a `bind` line.\n"
    }
}

extension String {
    /// The name that a heading of this text gets in the page.
    fileprivate var anchor: String {
        String(lowercased().compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil })
    }

    /// The text with `<` and `*` as themselves; between backticks they are so anyway.
    fileprivate var markdown: String {
        split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 1 ? String(part) : part.reduce(into: "") { $0 += "<*_".contains($1) ? "\\\($1)" : String($1) }
        }.joined(separator: "`")
    }
}
