// Persistence by cookies in responses: what becomes of the cookie that a server sets, and the one that Portico sets.

internal import Balancing
internal import Basics
internal import Expressions
internal import HTTP
internal import Reactor

extension Exchange {
    /// The rules on responses have run: the client is told which server it has, where the `cookie` line says so.
    func writePersistenceCookie(_ persistence: CookiePersistence, _ worker: Worker) {
        let cookie = persistence.cookie
        guard cookie.mode != .passive, request.cookie.choice != .ignored, let server else { return }
        let isChosenByCookie = request.cookie.server.map { backend?.servers[$0] === server } ?? false
        takeServersCookies(persistence, server, isChosenByCookie: isChosenByCookie, worker)
        guard cookie.mode == .insert,
            !(cookie.preservesServers && context.outcome.termination.serverCookie == .provided),
            !isChosenByCookie || needsNewDates(cookie, worker),
            !cookie.isForPostsOnly || request.clientMethod == .post
        else { return }
        let isNamed = persistence.names(server)
        // A server that no cookie names: one that the client has does not count any more.
        if !isNamed && !request.cookie.wasGiven { return }
        worker.scratch.removeAll(keepingCapacity: true)
        worker.scratch += cookie.name
        worker.scratch.append(0x3D)
        if isNamed {
            persistence.appendName(of: server, to: &worker.scratch)
            if cookie.hasDates { appendDates(cookie, worker) }
        } else {
            worker.scratch.append("; Expires=Thu, 01-Jan-1970 00:00:01 GMT")
        }
        worker.scratch += persistence.attributes
        context.response.fields.append(.setCookie, worker.scratch)
        context.outcome.termination.serverCookie = isNamed && isChosenByCookie ? .updated : .inserted
        if cookie.forbidsCaching { context.response.fields.append(.cacheControl, "private") }
    }

    /// Whether the cookie that has led here has to be told again: its dates are missing, too many, or of the past.
    private func needsNewDates(_ cookie: PersistenceCookie, _ worker: Worker) -> Bool {
        let state = request.cookie
        if cookie.idleMax != nil || state.lastSeen != nil {
            guard let seen = state.lastSeen, seen >= worker.kernel.wallTime().seconds else { return true }
        }
        return (cookie.lifeMax == nil) != (state.firstSeen == nil)
    }

    private func appendDates(_ cookie: PersistenceCookie, _ worker: Worker) {
        // Rounded up to the next four seconds, so that the date is not of the past at once.
        let now = worker.kernel.wallTime().seconds + 3
        worker.scratch.append(0x7C)
        CookieDate.append(now, to: &worker.scratch)
        guard cookie.lifeMax != nil else { return }
        worker.scratch.append(0x7C)
        CookieDate.append(request.cookie.firstSeen ?? now, to: &worker.scratch)
    }

    /// Cookies of the name that the server sets.
    private func takeServersCookies(
        _ persistence: CookiePersistence, _ server: Server, isChosenByCookie: Bool, _ worker: Worker
    ) {
        let cookie = persistence.cookie
        let isRemoved = cookie.mode == .insert || cookie.isIndirect && isChosenByCookie
        var line = context.response.fields.first(.setCookie)
        while let index = line {
            let value = ServersCookie(context.response.fields.value(index), of: cookie)
            guard let value else {
                line = context.response.fields.next(.setCookie, from: index + 1)
                continue
            }
            context.outcome.termination.serverCookie = .provided
            var next = index + 1
            if cookie.preservesServers {
                // It stays as it is.
            } else if isRemoved {
                context.response.fields.remove(at: index)
                context.outcome.termination.serverCookie = .deleted
                next = index
            } else if cookie.mode == .rewrite || cookie.mode == .prefix, persistence.names(server) {
                rewriteServersCookie(index, value, of: server, persistence, worker)
                context.outcome.termination.serverCookie = .rewritten
            }
            line = context.response.fields.next(.setCookie, from: next)
        }
    }

    private func rewriteServersCookie(
        _ index: Int, _ found: ServersCookie, of server: Server, _ persistence: CookiePersistence, _ worker: Worker
    ) {
        worker.scratch.removeAll(keepingCapacity: true)
        let text = context.response.fields.value(index)
        worker.scratch.append(text.extracting(0..<found.value.lowerBound))
        persistence.appendName(of: server, to: &worker.scratch)
        if persistence.cookie.mode == .prefix {
            worker.scratch.append(0x7E)
            worker.scratch.append(text.extracting(found.value))
        }
        worker.scratch.append(text.extracting(found.value.upperBound..<text.byteCount))
        let made = worker.scratch
        unsafe context.response.fields.replaceValue(index, with: made.span.bytes)
    }
}

/// Where the value of a Set-Cookie field's cookie stands.
private struct ServersCookie {
    let value: Range<Int>

    /// Nil if the field sets another cookie.
    init?(_ text: RawSpan, of cookie: PersistenceCookie) {
        guard let pair = text.cookiePair(from: 0, hasMany: false), cookie.isNamed(text.extracting(pair.name)) else {
            return nil
        }
        value = pair.value
    }
}
