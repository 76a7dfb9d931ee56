// `load-server-state-from-file`: which file a backend's servers find their states in, and reading it.

internal import Balancing
internal import Basics
internal import Configuration

/// What the global section and one backend say about files of states.
struct SavedStateSettings: SectionSettings {
    enum Source: Sendable { case nowhere, global, local }

    // The global section's.
    var file: Word?
    var folder: Word?
    // A backend's.
    var source = Source.nowhere
    /// Nil for the backend's name.
    var fileName: Word?

    init() {}
}

enum SavedStateKeywords {
    static let table: [Keyword] = [
        Keyword(
            "server-state-file", in: .global, usage: "server-state-file <path>",
            summary:
                "A file with the answer to `show servers state`, in which servers find the states that they had in the process before. See "
                + "load-server-state-from-file."
        ) { (args, draft) throws(ConfigProblem) in
            draft[SavedStateSettings.self].file = try args.next("a path")
        },
        Keyword(
            "server-state-base", in: .global, usage: "server-state-base <folder>",
            summary: "The folder of files of states whose paths do not begin with a slash."
        ) { (args, draft) throws(ConfigProblem) in
            draft[SavedStateSettings.self].folder = try args.next("a folder")
        },
        Keyword(
            "load-server-state-from-file", in: .backends, usage: "load-server-state-from-file global|local|none",
            summary:
                "Whether servers begin with the states that a file has of them: health, maintenance and drain, weight unless the file "
                + "with this line has changed it, and the address of a name that has none. global: from the server-state-file. local: "
                + "from a file of the backend, see server-state-file-name. Without a file they begin as ever."
        ) { (args, draft) throws(ConfigProblem) in
            draft[SavedStateSettings.self].source = try args.choice(
                "a word", of: ["global": .global, "local": .local, "none": .nowhere])
        },
        Keyword(
            "server-state-file-name", in: .backends, usage: "server-state-file-name [use-backend-name|<path>]",
            summary: "The file for `load-server-state-from-file local`: named like the backend, if no path is given."
        ) { (args, draft) throws(ConfigProblem) in
            let word = args.nextIfPresent()
            draft[SavedStateSettings.self].fileName = word?.text == "use-backend-name" ? nil : word
        },
    ]
}

extension PlanBuilder {
    /// The states that files have of servers, to begin with.
    mutating func savedStates(
        _ drafts: [Draft], _ backends: [BackendPlan]
    ) -> [(backend: Backend, servers: [SavedServer])] {
        var states: [(backend: Backend, servers: [SavedServer])] = []
        let global = global[SavedStateSettings.self]
        var known: [String: [SavedServer]] = [:]
        for (draft, backend) in zip(drafts, backends) {
            let settings = draft[SavedStateSettings.self]
            let file: Word?
            switch settings.source {
            case .nowhere: continue
            case .global: file = global.file
            case .local: file = settings.fileName ?? Word(draft.name, at: draft.range)
            }
            guard let file else {
                report(
                    "'load-server-state-from-file global' has no effect without a server-state-file", at: draft.range,
                    severity: .notice)
                continue
            }
            let path = Self.path(file.text, in: global.folder?.text)
            let servers = known[path] ?? readStates(path, file)
            known[path] = servers
            states.append((backend.backend, servers))
        }
        return states
    }

    private static func path(_ name: String, in folder: String?) -> String {
        guard let folder, !name.hasPrefix("/") else { return name }
        return folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    private mutating func readStates(_ path: String, _ word: Word) -> [SavedServer] {
        let bytes: [UInt8]
        do throws(Files.Refusal) {
            bytes = try Files.contents(of: path)
        } catch {
            // The first start has none.
            report("no states of servers in '\(path)': \(error.text)", at: word.range, severity: .notice)
            return []
        }
        guard let states = SavedStates(String(decoding: bytes, as: UTF8.self)) else {
            report(
                "'\(path)' has no states of servers: its first line is not the version, 1", at: word.range,
                severity: .warning)
            return []
        }
        if let line = states.faultyLines.first {
            report("line \(line) of '\(path)' is no state of a server", at: word.range, severity: .warning)
        }
        return states.servers
    }
}
