// What an agent says of its server in one line: words for its weight, its limit, its administrative state and its health (manual,
// "agent-check"). What a line does not mention stays as it is.

public import Basics

/// One line of an agent, understood as far as its words are known.
public struct AgentReport: Sendable, Equatable {
    /// The weight that the server is to have.
    enum Weight: Sendable, Equatable {
        case absolute(Int)
        /// Of the weight that the server's line gives it.
        case percent(Int)
    }

    private(set) var weight: Weight?
    /// `maxconn:30`; 0 for any number.
    private(set) var connectionsMax: Int?
    private(set) var administrative: AdministrativeState?
    /// The word for the server's health (`up`, `down`, `stopped`, `fail`), and whether it means that it is up.
    private(set) var health: (word: String, isUp: Bool)?
    /// What follows a number sign.
    private(set) var reason = ""
    /// The first word that is not known.
    private(set) var unknownWord: String?

    /// Reads a line, without what ends it.
    init(_ line: RawSpan) {
        var place = 0
        while place < line.byteCount {
            let end = line.firstIndex(from: place) { Self.separates($0) || $0 == 0x23 }
            if end > place { read(HTTPCheckAnswer.text(line.extracting(place..<end))) }
            if end < line.byteCount, line[end] == 0x23 {
                reason = HTTPCheckAnswer.text(line.extracting(end + 1..<line.byteCount))
                return
            }
            place = end + 1
        }
    }

    public static func == (a: AgentReport, b: AgentReport) -> Bool {
        a.weight == b.weight && a.connectionsMax == b.connectionsMax && a.administrative == b.administrative
            && a.health?.word == b.health?.word && a.reason == b.reason && a.unknownWord == b.unknownWord
    }

    private static func separates(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x2C || byte == 0x3B
    }

    private mutating func read(_ word: String) {
        let lowered = word.lowercased()
        switch lowered {
        case "up": health = (lowered, true)
        case "down", "fail", "stopped": health = (lowered, false)
        case "ready": administrative = .ready
        case "drain": administrative = .drain
        case "maint": administrative = .maintenance
        default:
            if let weight = Self.weight(lowered) {
                self.weight = weight
            } else if lowered.hasPrefix("maxconn:"), let count = Self.number(lowered.dropFirst(8), upTo: 10_000_000) {
                connectionsMax = count
            } else if unknownWord == nil {
                unknownWord = word
            }
        }
    }

    /// `75%`, `weight:75%`, `weight:12`; nil for any other word.
    private static func weight(_ word: String) -> Weight? {
        let isNamed = word.hasPrefix("weight:")
        let text = isNamed ? word.dropFirst(7) : word[...]
        if text.hasSuffix("%") { return number(text.dropLast(), upTo: 10_000).map(Weight.percent) }
        return isNamed ? number(text, upTo: 256).map(Weight.absolute) : nil
    }

    private static func number(_ text: Substring, upTo most: Int) -> Int? {
        // Int also reads "+3".
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(text), number <= most else {
            return nil
        }
        return number
    }

    /// What the line says of the server's health, as the result of a check.
    var result: CheckResult {
        if let health {
            let info = "via agent : \(health.word)" + (reason.isEmpty ? "" : " (\(reason))")
            return CheckResult(
                health.isUp ? .passed : .failed, health.isUp ? .layer7OK : .layer7Status, info: info)
        }
        if let unknownWord {
            return CheckResult(.unchanged, .layer7Response, info: "unknown word '\(unknownWord)' of the agent")
        }
        return CheckResult(.unchanged, .noStatusChange)
    }

    /// The weight, for a server whose line gives it `own`.
    func weight(of own: Int) -> Int? {
        switch weight {
        case .absolute(let weight)?: weight
        case .percent(let percent)?: min(own * percent / 100, 256)
        case nil: nil
        }
    }
}

extension Backend {
    /// Does what an agent has said of a server, and counts the result of asking it: `report` is nil if the agent has said nothing.
    /// - Returns: the change between up and down that the result completes; nil if it completes none.
    public func record(
        _ result: CheckResult, reporting report: AgentReport?, of server: Server, at now: Instant
    ) -> HealthRecord.Transition? {
        if let report { follow(report, of: server, at: now) }
        let transition = server.updateRecord { $0.add(agentResult: result, at: now) }
        _ = server.states.set(server.ownHealth)
        if transition != nil { serverChanged(now: now) }
        return transition
    }

    private func follow(_ report: AgentReport, of server: Server, at now: Instant) {
        var configuration = server.configuration
        let weight = report.weight(of: server.ownWeight) ?? configuration.weight
        var limits = configuration.limits
        if let most = report.connectionsMax { limits.maxConnections = most == 0 ? nil : most }
        limits = limits.normal
        if weight != configuration.weight || limits != configuration.limits {
            configuration.weight = weight
            configuration.limits = limits
            reconfigure(server, as: configuration, now: now)
        }
        if let administrative = report.administrative { setAdministrativeState(administrative, of: server, now: now) }
    }
}
