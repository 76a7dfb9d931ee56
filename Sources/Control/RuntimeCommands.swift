// The list of all runtime commands. It is here, above the rooms that have what commands read and change, so that a command's file
// can be in whichever room sees all that it needs.

public import Admin

public enum RuntimeCommands {
    /// All commands, in the order of the help.
    public static let all: [any RuntimeCommand.Type] = [
        ShowAccessLevel.self, ShowErrors.self, ShowEvents.self, ShowInfo.self, ShowResolvers.self,
        ShowServersState.self, ShowStat.self, ShowVersion.self, LowerToOperator.self, LowerToUser.self,
        HelpCommand.self,
        PromptCommand.self, QuitCommand.self,
    ]
}
