// What another process has known of its servers, in the lines of `show servers state` (version 1), and what becomes of it here
// (`load-server-state-from-file`).

public import Basics
internal import Synchronization

/// The contents of one file.
public struct SavedStates: Sendable {
    public private(set) var servers: [SavedServer] = []
    /// Lines that are none of servers, counted from 1.
    public private(set) var faultyLines: [Int] = []

    /// Nil if the first line does not say that this is version 1.
    public init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first == "1" || first == "1\r" else { return nil }
        var columns = SavedServer.columns
        for (number, line) in lines.enumerated().dropFirst() {
            let words = line.split { $0 == " " || $0 == "\r" }.map(String.init)
            guard let word = words.first else { continue }
            if word.hasPrefix("#") {
                columns = words.dropFirst().map { $0 }
            } else if let server = SavedServer(words, columns) {
                servers.append(server)
            } else {
                faultyLines.append(number + 1)
            }
        }
    }
}

/// One server's line.
public struct SavedServer: Sendable {
    /// The order in files without a line that names the columns.
    fileprivate static let columns = [
        "be_id", "be_name", "srv_id", "srv_name", "srv_addr", "srv_op_state", "srv_admin_state", "srv_uweight",
        "srv_iweight", "srv_time_since_last_change", "srv_check_status", "srv_check_result", "srv_check_health",
        "srv_check_state", "srv_agent_state", "bk_f_forced_id", "srv_f_forced_id", "srv_fqdn", "srv_port",
    ]

    public let backendName: String
    public let name: String
    let id: Int
    let hasOwnID: Bool
    let address: IPAddress?
    let hostName: String?
    /// 0 for a server that is down.
    let operationalState: Int
    /// HAProxy's bits: 1 maintenance, 4 that the configuration said so, 8 drain.
    let administrativeBits: Int
    let weight: Int
    let weightConfigured: Int
    let age: TimeSpan
    let health: Int

    fileprivate init?(_ words: [String], _ columns: [String]) {
        var values: [String: String] = [:]
        for (column, word) in zip(columns, words) { values[column] = word }
        func number(_ column: String) -> Int? { values[column].flatMap { Int($0) } }
        guard let backendName = values["be_name"], let name = values["srv_name"], let id = number("srv_id"),
            let state = number("srv_op_state"), (0...3).contains(state), let bits = number("srv_admin_state"),
            let weight = number("srv_uweight"), (0...256).contains(weight), let configured = number("srv_iweight"),
            let age = number("srv_time_since_last_change"), (0...Int(Int32.max)).contains(age),
            let health = number("srv_check_health"), health >= 0
        else { return nil }
        self.backendName = backendName
        self.name = name
        self.id = id
        hasOwnID = number("srv_f_forced_id") == 1
        address = values["srv_addr"].flatMap { IPAddress($0) }
        hostName = values["srv_fqdn"].flatMap { $0 == "-" ? nil : $0 }
        operationalState = state
        administrativeBits = bits
        self.weight = weight
        weightConfigured = configured
        self.age = .seconds(UInt64(age))
        self.health = health
    }

    private static let maintenance = 1, configuredMaintenance = 4, drain = 8

    /// What an operator had decided. Maintenance that only the configuration of that time had is not taken over, nor is that of the
    /// present one if an operator had ended it.
    func administrativeState(isDisabledNow: Bool) -> AdministrativeState {
        let has = { (bit: Int) in administrativeBits & bit != 0 }
        if has(Self.maintenance) {
            if isDisabledNow || !has(Self.configuredMaintenance) { return .maintenance }
        } else if isDisabledNow, !has(Self.configuredMaintenance) {
            return .maintenance
        }
        return has(Self.drain) ? .drain : .ready
    }
}

extension Backend {
    /// Takes over what is known of servers that no worker has chosen yet. Lines for others are passed over.
    /// - Parameter fresh: some of its servers; nil for all of them.
    public func restore(_ saved: [SavedServer], of fresh: [Server]? = nil, now: Instant) {
        let servers = fresh ?? servers
        var isChanged = false
        for line in saved where line.backendName == name {
            let server =
                servers.first { $0.name == line.name } ?? servers.first { line.hasOwnID && $0.id == line.id }
            guard let server else { continue }
            server.restore(line, now: now)
            isChanged = true
        }
        guard isChanged else { return }
        // No slow start: the servers were not down for this process.
        for server in servers { server.wasUsable.store(server.state.isUsable, ordering: .relaxed) }
        serverChanged(now: now)
    }
}

extension Server {
    fileprivate func restore(_ saved: SavedServer, now: Instant) {
        var configuration = configuration
        // A weight that the file has changed since then is the newer one.
        if saved.weightConfigured == configuration.weight, saved.weight != configuration.weight {
            configuration.weight = saved.weight
            reconfigure(as: configuration, at: address)
        }
        _ = states.set(saved.administrativeState(isDisabledNow: startedInMaintenance))
        if let ip = saved.address, let hostName, hostName == saved.hostName, address == nil {
            resolved(to: .ip(ip, port: port), now: now)
        }
        guard check != nil else { return }
        let since = Instant(nanoseconds: now.nanoseconds - min(now.nanoseconds, saved.age.nanoseconds))
        _ = states.set(
            updateRecord { record in
                record.restore(health: saved.health, isUp: saved.operationalState > 0, since: since)
                return record.state
            })
    }
}
