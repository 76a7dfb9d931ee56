// The keywords of `global` for the process: daemon mode, PID file, root directory, user and group, limits.

internal import Configuration
internal import Reactor

/// The process settings of `global`.
struct DaemonSettings: SectionSettings {
    var goesToBackground = false
    var pidFile: String?
    var root: String?
    var user: UInt32?
    var group: UInt32?
    var descriptorLimit: Int?
    var isQuiet = false
    var warningsAreFatal = false
}

/// The keyword table of this module.
enum ProcessKeywords {
    static let table: [Keyword] = [
        Keyword("daemon", in: .global, usage: "daemon", summary: "Goes into the background after start-up.") {
            (_, draft) throws(ConfigProblem) in draft[DaemonSettings.self].goesToBackground = true
        },
        Keyword(
            "quiet", in: .global, usage: "quiet", summary: "Prints errors only, as -q does; -V prints everything again."
        ) {
            (_, draft) throws(ConfigProblem) in draft[DaemonSettings.self].isQuiet = true
        },
        Keyword("zero-warning", in: .global, usage: "zero-warning", summary: "Treats warnings as errors, as -dW does.")
        {
            (_, draft) throws(ConfigProblem) in draft[DaemonSettings.self].warningsAreFatal = true
        },
        Keyword("pidfile", in: .global, usage: "pidfile <path>", summary: "Writes the process ID into a file.") {
            (args, draft) throws(ConfigProblem) in draft[DaemonSettings.self].pidFile = try args.next("a path").text
        },
        Keyword(
            "chroot", in: .global, usage: "chroot <directory>",
            summary:
                "Changes the root directory after start-up (needs root): that of all threads but the main one, which serves no client and "
                + "reads files again. Where the system does not allow that (a container without the system call unshare), it is that of "
                + "the whole process."
        ) { (args, draft) throws(ConfigProblem) in draft[DaemonSettings.self].root = try args.next("a directory").text
        },
        Keyword(
            "user", in: .global, usage: "user <name>",
            summary:
                "Runs as this user after start-up. What this user could not do again, the main thread keeps a capability for, which is "
                + "in effect only while a reload or a renewed certificate needs it: to read any file (CAP_DAC_READ_SEARCH), if the user "
                + "may not read one that was read; to listen on low ports (CAP_NET_BIND_SERVICE), if there is one; for `interface` and "
                + "`transparent` of bind lines (CAP_NET_RAW). The threads that serve clients have none. A group that may read the files "
                + "makes the first unnecessary."
        ) {
            (args, draft) throws(ConfigProblem) in
            let word = try args.next("a user")
            guard let id = UserDatabase.userID(word.text) else {
                throw args.problem("there is no user '\(word.text)' on this machine", at: word)
            }
            draft[DaemonSettings.self].user = id
            // The user's primary group, unless a `group` line sets another one.
            if draft[DaemonSettings.self].group == nil {
                draft[DaemonSettings.self].group = UserDatabase.primaryGroupID(ofUser: word.text)
            }
        },
        Keyword("group", in: .global, usage: "group <name>", summary: "Runs as this group after start-up.") {
            (args, draft) throws(ConfigProblem) in
            let word = try args.next("a group")
            guard let id = UserDatabase.groupID(word.text) else {
                throw args.problem("there is no group '\(word.text)' on this machine", at: word)
            }
            draft[DaemonSettings.self].group = id
        },
        Keyword("uid", in: .global, usage: "uid <number>", summary: "Runs as this user, by number.") {
            (args, draft) throws(ConfigProblem) in
            draft[DaemonSettings.self].user = UInt32(try args.integer("a number", in: 0...4_294_967_294))
        },
        Keyword("gid", in: .global, usage: "gid <number>", summary: "Runs as this group, by number.") {
            (args, draft) throws(ConfigProblem) in
            draft[DaemonSettings.self].group = UInt32(try args.integer("a number", in: 0...4_294_967_294))
        },
        Keyword(
            "ulimit-n", in: .global, usage: "ulimit-n <number>",
            summary: "The limit for open files; by default the highest that the system permits."
        ) { (args, draft) throws(ConfigProblem) in
            // 0 means the default.
            guard let limit = try args.limit("a number", to: 1_000_000_000) else { return }
            draft[DaemonSettings.self].descriptorLimit = max(64, limit)
        },
    ]
}
