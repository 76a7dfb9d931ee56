// `agent-check` and its parameters on `server` lines: a connection now and then to a program beside the server, which says in a line
// what is to become of it. `AgentReport` understands the line.

public import Basics
public import Configuration

/// What a `server` line says of its agent.
public struct AgentDraft: Sendable {
    public var isAsked = false
    public var port: UInt16?
    /// An address, or a name that is looked up once; nil for the server's own address.
    public var host: Word?
    public var interval = TimeSpan.seconds(2)
    /// What the agent is told first.
    public var question: [UInt8]?

    public init() {}
}

enum AgentKeywords {
    static let parameters: [Parameter<ServerDraft>] = [
        Parameter(
            "agent-check", usage: "agent-check",
            summary:
                "Asks an agent, a program that says in a line what becomes of the server, whatever its checks find. Words, with blanks or "
                + "commas between: up; down, fail or stopped, perhaps with a reason behind #; ready, drain, maint; 75% of its weight, "
                + "weight:12; maxconn:30. What the line does not mention stays; an agent that cannot be reached says nothing."
        ) { (_, server) throws(ConfigProblem) in server.agent.isAsked = true },
        Parameter("no-agent-check", usage: "no-agent-check", summary: "Asks no agent.") {
            (_, server) throws(ConfigProblem) in server.agent.isAsked = false
        },
        Parameter("agent-port", usage: "agent-port <port>", summary: "The port of the agent, which agent-check needs.")
        {
            (args, server) throws(ConfigProblem) in
            server.agent.port = UInt16(try args.integer("a port", in: 1...65_535))
        },
        Parameter(
            "agent-addr", usage: "agent-addr <ip>|<name>",
            summary:
                "The address of the agent, or its name, which is looked up once; otherwise it is beside the server."
        ) { (args, server) throws(ConfigProblem) in
            let word = try args.nextAddress("an IP address or a name")
            guard IPAddress(word.text) == nil else {
                server.agent.host = word
                return
            }
            guard case .endpoint(.name, ports: nil) = try AddressText(word) else {
                throw args.problem("'\(word.text)' is no address", at: word, expected: "an IP address or a name")
            }
            server.agent.host = word
        },
        Parameter(
            "agent-inter", usage: "agent-inter <time>",
            summary:
                "Time between two questions to the agent, and for its answer unless `timeout check` says so: 2 s by default."
        ) { (args, server) throws(ConfigProblem) in server.agent.interval = try args.checkInterval() },
        Parameter(
            "agent-send", usage: "agent-send <text>",
            summary: "What the agent is sent once connected, as it stands here."
        ) { (args, server) throws(ConfigProblem) in
            let text = try args.next("what to send").text.verbatimBytes
            server.agent.question = text.isEmpty ? nil : text
        },
    ]

    static func check(_ server: ServerDraft) throws(ConfigProblem) {
        guard server.agent.isAsked, server.agent.port == nil else { return }
        throw ConfigProblem(
            "the agent of '\(server.name.text)' has no port", at: server.name.range, expected: "agent-port <port>")
    }
}

extension ServerDraft {
    /// How the agent is asked; nil if there is none, or its name has no address.
    /// - Parameter resolve: looks up host names.
    func agentPlan(
        connectTimeout: TimeSpan, responseTimeout: TimeSpan?, resolve: (String) -> [IPAddress]
    ) -> HealthCheckPlan? {
        guard agent.isAsked, let port = agent.port else { return nil }
        var route = CheckRoute()
        route.port = port
        if let host = agent.host {
            guard let ip = IPAddress(host.text) ?? resolve(host.text).first else { return nil }
            route.address = .ip(ip, port: port)
        }
        var thresholds = HealthThresholds()
        // As in HAProxy each answer counts.
        (thresholds.rise, thresholds.fall) = (1, 1)
        return HealthCheckPlan(
            script: .askingAgent(agent.question), routes: [route], thresholds: thresholds, interval: agent.interval,
            connectTimeout: responseTimeout == nil ? agent.interval : min(connectTimeout, agent.interval),
            responseTimeout: responseTimeout)
    }
}
