// The configuration keywords for static files, and the settings that they produce.

internal import Basics
public import Configuration

/// The static file settings of a backend or listen section.
public struct StaticFilesSettings: SectionSettings {
    /// `files`: the directory, opened when the line was parsed. Nil if the section serves no files.
    public var directory: FileDirectory?
    /// `files-index`: the names that are tried in order for a directory.
    public var indexNames = ["index.html"]
    /// `files-strip-prefix`: as written, or empty.
    public var strippedPrefix = ""
    /// `files-miss servers`: whether requests for missing files go to the servers.
    public var missGoesToServers = false

    /// `files-cache`: whether files that are requested often are kept open.
    public var keepsFilesOpen = true

    public init() {}

    /// The configured file root; nil if the section serves no files.
    public var root: FileRoot? {
        directory.map { FileRoot(directory: $0, indexNames: indexNames, strippedPrefix: strippedPrefix) }
    }
}

/// The keyword table of this module.
public enum StaticFilesKeywords {
    public static let table: [Keyword] = [
        Keyword(
            "files", in: [.backend, .listen], usage: "files <directory>",
            summary: """
                Serves the files of a directory: never a file outside it, never one whose name or directory begins \
                with a dot. http-response rules and error pages apply to the responses as they do to a server's; \
                res.body is empty, since Portico does not read the file. Needs Linux 5.6.
                """
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a directory")
            guard draft[StaticFilesSettings.self].directory == nil else {
                throw arguments.problem("'files' is given twice in this section", at: word)
            }
            do throws(FileDirectory.Fault) {
                draft[StaticFilesSettings.self].directory = try FileDirectory(path: word.text)
            } catch {
                throw arguments.problem(error.description, at: word, expected: "a directory that exists")
            }
        },

        Keyword(
            "files-cache", in: [.defaults, .backend, .listen], usage: "files-cache { on | off }",
            summary: """
                Whether each thread keeps files open that were requested twice within 10 seconds, up to 1,024 of them, and \
                the content of those of up to 15 KiB. A change of a file is seen at once; a change of the folders, links and \
                permissions on its path, or another file in its place, within a second. With off, every request looks \
                its file up. Default: on.
                """
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[StaticFilesSettings.self].keepsFilesOpen =
                try arguments.choice("a value", of: ["on": true, "off": false])
        },

        Keyword(
            "files-index", in: [.defaults, .backend, .listen], usage: "files-index <name>...",
            summary: "The file names to try, in order, when a directory is requested. Default: index.html."
        ) { (arguments, draft) throws(ConfigProblem) in
            var names: [String] = []
            repeat {
                let word = try arguments.next("a file name")
                guard !word.text.isEmpty, !word.text.utf8.contains(0x2F), !word.text.hasPrefix(".") else {
                    throw arguments.problem(
                        "'\(word.text)' cannot be an index file", at: word,
                        expected: "a file name without slashes that does not begin with a dot")
                }
                names.append(word.text)
            } while !arguments.isAtEnd
            draft[StaticFilesSettings.self].indexNames = names
        },

        Keyword(
            "files-strip-prefix", in: [.backend, .listen], usage: "files-strip-prefix <prefix>",
            summary: """
                Removes this prefix from paths that start with it before looking up the file: with /static, the path \
                /static/app.css refers to the file app.css.
                """
        ) { (arguments, draft) throws(ConfigProblem) in
            let word = try arguments.next("a path prefix")
            let segments = word.text.utf8.split(separator: 0x2F)
            guard word.text.hasPrefix("/"), !segments.isEmpty, !segments.contains(where: { $0.first == 0x2E }),
                !word.text.utf8.contains(0x25), !word.text.utf8.contains(0x3F)
            else {
                throw arguments.problem(
                    "'\(word.text)' is not a path prefix", at: word,
                    expected: "a path like /static, without escapes and dotted names")
            }
            draft[StaticFilesSettings.self].strippedPrefix = word.text
        },

        Keyword(
            "files-miss", in: [.defaults, .backend, .listen], usage: "files-miss { 404 | servers }",
            summary: """
                What to do with a request for which there is no file: respond with status 404 (or 403, 405), or send \
                it to the section's servers. Default: 404.
                """
        ) { (arguments, draft) throws(ConfigProblem) in
            draft[StaticFilesSettings.self].missGoesToServers =
                try arguments.choice("a value", of: ["404": false, "servers": true])
        },
    ]
}
