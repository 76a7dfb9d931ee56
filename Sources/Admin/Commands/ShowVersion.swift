// `show version`: the version and nothing else.

extension Command {
    static let showVersion = Command(
        "show version", usage: "show version", summary: "show version of the current process"
    ) { call in
        call.say(call.context.snapshot().process.version)
    }
}
