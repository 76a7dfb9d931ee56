// Prints the manual of the configuration language in Markdown from the tables that the parser uses, so that names,
// syntax and sections are always correct.

extension Language {
    /// The whole manual. The output is deterministic.
    public func manual() -> String {
        introduction + sectionTable + keywordEntries + parameterLists + ignoredList + oldSpellings
    }

    private var introduction: String {
        let kinds = sectionKinds.filter { !SectionKind.builtIn.contains($0) }.map { "`\($0.name)`" }
        return """
            # Configuration

            This page is printed from the program's own tables; `portico help` prints the same on a terminal.

            ## Syntax

            A file consists of sections, each of which starts with its kind and name on a line: `global`, `defaults`,
            `frontend`, `backend` and `listen`. The sections \(kinds.listed("and")) contain what these refer to. Every
            other line is a keyword with its arguments.

            - Words are separated by blanks. `#` starts a comment.
            - `\\` escapes the next character: `\\ `, `\\#`, `\\\\`, `\\'`, `\\"`. `\\n`, `\\r`, `\\t` and `\\xHH` are a
              line feed, a carriage return, a tab, and the byte with that hexadecimal number. At the end of a line, `\\`
              continues it on the next one.
            - Between double quotes, blanks, `#` and `'` have no special meaning, and environment variables are
              expanded: `$NAME`, `${NAME}`, `${NAME-default}`, and `${NAME[*]}` for a list with one word per item. `\\$`
              is a dollar sign. `$.FILE`, `$.LINE` and `$.SECTION` are the current position. `$HAPROXY_CFGFILES` has the
              names of the files, and `$HAPROXY_BRANCH` the version of HAProxy whose language Portico implements.
            - Between single quotes, no character has a special meaning.
            - The arguments of samples and converters, as in `regsub(\\d+,N)`, are parsed from the resulting word.
              There, quotes protect commas, parentheses and blanks; outside single quotes, a backslash escapes a
              backslash, a quote or a blank, `\\n`, `\\r` and `\\t` are a line feed, a carriage return and a tab, and
              before any other character, including a comma, a backslash is kept. Regular expressions and their
              replacements have backslash escapes of their own; log formats have none.
            - Files consist of bytes. Bytes that are not UTF-8, also those written as `\\xHH`, are kept.
            - A time is a whole number with a unit: `us`, `ms`, `s`, `m`, `h` or `d`. Without a unit it is in
              milliseconds, unless the keyword says otherwise. A size is in bytes, or with `k`, `m` or `g` in KiB, MiB
              or GiB.
            - Lines that begin with a dot are directives, for conditional blocks and messages: see [`.if`](#if).
            - `-f` may be given several times, and may name a folder, whose `*.cfg` files are read in the order of their
              names.

            A proxy section inherits the settings of the last `defaults` section above it, or of the one given with
            `from`: `backend app from slow`. Several `global` sections add up. A frontend and a backend may have the
            same name; a `listen` section combines both.


            """
    }

    /// The table of keywords and sections: one line per keyword, so that changes to the page stay small.
    private var sectionTable: String {
        let columns = SectionKind.builtIn
        let others = sectionKinds.filter { !columns.contains($0) }
        let names = Dictionary(grouping: keywords, by: \.name).sorted { $0.key < $1.key }
        return "## Keywords by section\n\n| |\(columns.map { " \($0.name) |" }.joined()) elsewhere |\n"
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
            // The result type of a sample or converter is not part of its syntax.
            let parts = row.usage.split(separator: " (", maxSplits: 1)
            let type = parts.count == 2 && row.usage.hasSuffix(")") ? " (\(parts[1])" : ""
            return "- `\(type.isEmpty ? row.usage : String(parts[0]))`\(type): \(row.summary.markdown)\n"
        }.joined()
    }

    /// The list of criteria: every sample is one, so only names with a match suffix are listed.
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
            "Every sample can be used as a criterion, followed by the values to compare it with. For some there are "
            + "also names that include the match method, in place of `-m`:\n\n"
            + forms.filter { !$0.names.isEmpty }.map { sample, names in
                "- `\(sample)`: \(names.map { "`\($0)`" }.joined(separator: ", "))\n"
            }.joined()
    }

    /// The keywords that are accepted without effect, except those with a row in a keyword table.
    private var ignoredList: String {
        let own = Set(keywords.map(\.name))
        let rows = IgnoredKeyword.table.filter { !own.contains($0.name) }
        let reasons = rows.reduce(into: [String]()) { if !$0.contains($1.reason) { $0.append($1.reason) } }
        return """
            ## Accepted and ignored

            Keywords of HAProxy that have no effect. Those marked with (!) cause a warning, and so an error with `-dW`.

            - `tune.*` without an entry above: Portico tunes this itself. `tune.http.cookielen` (!),
              `tune.http.logurilen` (!), `tune.vars.*` (!).

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

        These are converted to today's syntax, which a warning shows.


        """ + OldSpelling.table.map { "- `\($0.old)`: `\($0.new)`\n" }.joined()
            + OldRule.help + "- An address after the name of a `frontend` or `listen`: a `bind` line.\n"
    }
}

extension String {
    /// The anchor of a heading with this text.
    fileprivate var anchor: String {
        String(lowercased().compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil })
    }

    /// The text with `<`, `*` and `_` escaped, except between backticks.
    fileprivate var markdown: String {
        split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 1 ? String(part) : part.reduce(into: "") { $0 += "<*_".contains($1) ? "\\\($1)" : String($1) }
        }.joined(separator: "`")
    }
}
