// The list of all runtime commands. It is here, above the rooms that have what commands read and change, so that a command's file
// can be in whichever room sees all that it needs.

public import Admin

public enum RuntimeCommands {
    /// All commands, in the order of the help.
    public static let all: [any RuntimeCommand.Type] = [
        ShowAccessLevel.self, ShowErrors.self, ShowEvents.self, ShowInfo.self, ShowResolvers.self,
        ShowServersState.self, ShowStartupLogs.self, ShowStat.self, ShowVersion.self, ReloadCommand.self,
        LowerToOperator.self, LowerToUser.self,
        ShowCertificates.self, NewCertificate.self, SetCertificate.self, CommitCertificate.self, AbortCertificate.self,
        DeleteCertificate.self, ShowAuthorityFile.self, NewAuthorityFile.self, SetAuthorityFile.self,
        AddAuthorityFile.self, CommitAuthorityFile.self, AbortAuthorityFile.self, DeleteAuthorityFile.self,
        ShowRevocationFile.self, NewRevocationFile.self, SetRevocationFile.self, CommitRevocationFile.self,
        AbortRevocationFile.self, DeleteRevocationFile.self, ShowCertificateLists.self, AddToCertificateList.self,
        DeleteFromCertificateList.self, ShowResponses.self, SetResponse.self, UpdateResponse.self,
        ShowResponseUpdates.self, ShowServerNames.self, ShowProviders.self, ShowTicketKeys.self, SetTicketKey.self,
        DebugLog.self, ExpertMode.self, HelpCommand.self,
        PromptCommand.self, QuitCommand.self, GetListeners.self,
    ]

    /// Those of HAProxy's master process (`-S`).
    static let master: [any RuntimeCommand.Type] = [
        ShowProcesses.self, ReloadCommand.self, ShowStartupLogs.self, ShowVersion.self,
    ]
}
