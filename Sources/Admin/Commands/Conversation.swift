// The commands about the conversation itself: how it goes on, when it ends, what it may do.

extension Command {
    static let prompt = Command("prompt", usage: "prompt", summary: "toggle interactive mode with prompt") { call in
        call.session.isInteractive.toggle()
    }

    static let quit = Command("quit", usage: "quit", summary: "disconnect") { call in
        call.session.isOver = true
    }

    static let `operator` = Command(
        "operator", usage: "operator", level: .operator,
        summary: "lower the level of the current CLI session to operator"
    ) { call in
        call.session.level = .operator
    }

    static let user = Command(
        "user", usage: "user", summary: "lower the level of the current CLI session to user"
    ) { call in
        call.session.level = .user
    }

    static let showAccessLevel = Command(
        "show cli level", usage: "show cli level", summary: "display the level of the current CLI session"
    ) { call in
        call.say(call.session.level.name)
    }
}
