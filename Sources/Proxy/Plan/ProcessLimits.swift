// How many connections the process takes in.

internal import Basics
internal import Configuration

/// Limits that hold for all workers together. Nil is for any number.
struct ProcessLimits: Sendable {
    /// `maxconn`: client connections at a time.
    let connections: Int
    /// `maxsslconn`, `maxsslrate`: encrypted connections at a time, and those that clients begin in a second.
    let encryptedConnections: Int?
    let encryptedRate: Int?
    /// `maxconnrate`, `maxsessrate`: client connections in a second.
    let connectionRate: Int?
    let sessionRate: Int?

    init(_ settings: ProcessSettings, connections: Int) {
        self.connections = connections
        encryptedConnections = settings.tlsConnectionsMax
        encryptedRate = settings.tlsRateMax
        connectionRate = settings.connectionRateMax
        sessionRate = settings.sessionRateMax
    }
}

extension PlanBuilder {
    /// Two descriptors for each connection, and a hundred for everything else.
    mutating func resolveMaxConnections(_ process: ProcessSettings) -> Int {
        let possible = max(10, (facts.descriptorsLimit - 100) / 2)
        guard let wanted = process.maxConnections else { return possible }
        if wanted > possible {
            report(
                "maxconn \(wanted) needs more open files than the system allows (\(facts.descriptorsLimit)); "
                    + "beyond about \(possible) connections accepting will pause", at: global.range, severity: .warning)
        }
        return wanted
    }

    mutating func checkBuffers(_ process: ProcessSettings) {
        // As in HAProxy, rules get at most half of a buffer.
        if process.bufferBytes / 2 < process.rewriteBytes {
            report(
                "tune.maxrewrite (\(process.rewriteBytes)) is more than half of tune.bufsize (\(process.bufferBytes)): it is that half",
                at: global.range, severity: .warning)
        }
    }
}
