// `show info`: the process, a line a fact.

extension Command {
    static let showInfo = Command(
        "show info", usage: "show info [desc|json|typed]*",
        summary: "report information about the running process"
    ) { call in
        let process = call.context.snapshot().process
        let describes = call.takeOption("desc")
        if call.takeOption("json") {
            process.appendJSONInfo(to: &call.out)
        } else if call.takeOption("typed") {
            process.appendTypedInfo(describes: describes, to: &call.out)
        } else {
            process.appendInfo(describes: describes, to: &call.out)
        }
    }
}
