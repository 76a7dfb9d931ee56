// What is counted of HTTP/2 and of TLS, as plain values for the statistics.

internal import Admin
internal import Balancing
internal import Basics

extension HTTP2Counters {
    var stats: HTTP2Stats {
        var stats = HTTP2Stats()
        stats.headersReceived = total(.headersReceived)
        stats.dataReceived = total(.dataReceived)
        stats.settingsReceived = total(.settingsReceived)
        stats.resetsReceived = total(.resetsReceived)
        stats.goAwaysReceived = total(.goAwaysReceived)
        stats.connectionErrors = total(.connectionErrors)
        stats.streamErrors = total(.streamErrors)
        stats.resetsSent = total(.resetsSent)
        stats.goAwaysSent = total(.goAwaysSent)
        stats.connectionsCurrent = connections.current
        stats.streamsCurrent = streams.current
        stats.connectionsTotal = total(.connections)
        stats.streamsTotal = total(.streams)
        return stats
    }
}

extension TLSCounters {
    func stats(now: Instant) -> TLSStats {
        var stats = TLSStats()
        stats.connectionsLimit = connectionsMax == .max ? 0 : connectionsMax
        stats.connectionsCurrent = connections.current
        stats.connectionsTotal = total
        stats.rateLimit = rateMax == .max ? 0 : rateMax
        stats.rate = accepted.rate(at: now)
        stats.rateMax = accepted.maximum(at: now)
        stats.clientKeyRate = clientKeys.rate(at: now)
        stats.clientKeyRateMax = clientKeys.maximum(at: now)
        stats.reusePercent = reusePercent(at: now)
        stats.serverKeyRate = serverKeys.rate(at: now)
        stats.serverKeyRateMax = serverKeys.maximum(at: now)
        return stats
    }
}
