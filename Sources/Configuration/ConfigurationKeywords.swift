// The keywords that affect how files are read: environment variables and includes. Directives, which begin with a dot,
// are in Directives.swift.
//
// Their parsers only record a request, which the loader carries out at the end of the line.

/// The keyword table of this module.
public enum ConfigurationKeywords {
    public static let table: [Keyword] = words + directives

    /// The predicates of conditions, for help and manual.
    public static let parameterGroups = [Predicate.help]

    private static let words: [Keyword] = [
        Keyword(
            "include", in: .all, usage: "include <path>",
            summary: "Includes another file, as if its lines were written here; with * ? [ ] in the path all files "
                + "that match, sorted by name. A relative path refers to the folder of the including file."
        ) { (args, draft) throws(ConfigProblem) in
            let path = try args.next("a path")
            guard !path.text.isEmpty else { throw args.problem("the path is empty", at: path) }
            draft[LoaderRequests.self].pending.append(.include(path))
        },
        Keyword(
            "default-path", in: .global, usage: "default-path current|config|parent|origin <path>",
            summary:
                "The folder to which relative paths refer from the next line on: the working directory (current, the "
                + "default), the configuration file's folder (config), that folder's parent, or the given one (origin)."
        ) { (args, draft) throws(ConfigProblem) in
            let word = args.peek
            let kind = try args.choice(
                "a base folder",
                of: ["current": BasePath.current, "config": .config, "parent": .parent, "origin": .origin("")])
            var base = kind
            if case .origin = kind { base = .origin(try args.next("a folder").text) }
            if let word { draft[LoaderRequests.self].pending.append(.base(base, word)) }
        },
        Keyword(
            "setenv", in: .global, usage: "setenv <name> <value>",
            summary: "Sets an environment variable for the lines that follow."
        ) { (args, draft) throws(ConfigProblem) in
            let name = try variableName(&args)
            draft[LoaderRequests.self].pending.append(.set(name, try args.next("a value").text))
        },
        Keyword(
            "presetenv", in: .global, usage: "presetenv <name> <value>",
            summary: "Sets an environment variable for the lines that follow, unless it is set already."
        ) { (args, draft) throws(ConfigProblem) in
            let name = try variableName(&args)
            draft[LoaderRequests.self].pending.append(.preset(name, try args.next("a value").text))
        },
        Keyword(
            "unsetenv", in: .global, usage: "unsetenv <name>...",
            summary: "Removes environment variables for the lines that follow."
        ) { (args, draft) throws(ConfigProblem) in
            repeat {
                draft[LoaderRequests.self].pending.append(.unset(try variableName(&args)))
            } while !args.isAtEnd
        },
        Keyword(
            "resetenv", in: .global, usage: "resetenv [<name>...]",
            summary: "Removes all environment variables except those listed, for the lines that follow."
        ) { (args, draft) throws(ConfigProblem) in
            var names: [String] = []
            while !args.isAtEnd { names.append(try variableName(&args)) }
            draft[LoaderRequests.self].pending.append(.keepOnly(names))
        },
    ]

    private static func variableName(_ args: inout Arguments) throws(ConfigProblem) -> String {
        let word = try args.next("a variable's name")
        guard !word.text.isEmpty, !word.text.contains("=") else {
            throw args.problem("'\(word.text)' cannot be a variable's name", at: word)
        }
        return word.text
    }
}

/// The requests of a line to the loader.
struct LoaderRequests: SectionSettings {
    enum Request: Sendable {
        case include(Word)
        case set(String, String)
        case preset(String, String)
        case unset(String)
        case keepOnly([String])
        case branch(ConditionalBlocks.Change)
        case base(BasePath, Word)
        /// A message; without a severity it is printed only with `-dD`.
        case say(Word, ConfigProblem.Severity?)
    }

    var pending: [Request] = []
}
