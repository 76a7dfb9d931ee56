// A request for the stats page becomes an answer: access first, then the form that was asked for.

public import HTTP

public enum StatsService {
    /// The answer to one request for the page. `snapshot` is called only for those who may see it.
    ///
    /// The answer to HEAD has the same body as that to GET; whoever sends it leaves the body out.
    ///
    /// - Parameter section: the section that the page belongs to, which `stats scope .` means.
    public static func answer(
        _ request: StatsRequest, method: Method, authorization: RawSpan?, settings: StatsPageSettings, section: String,
        snapshot all: () -> StatsSnapshot
    ) -> LocalResponse {
        guard StatsAccess.check(authorization: authorization, settings: settings) == .allowed else {
            var refusal = LocalResponse.error(401)
            refusal.fields.append((name: "www-authenticate", value: challenge(settings.realm)))
            return refusal
        }
        // POST asks for a change of a server's state, which the page does not offer.
        if method == .post { return LocalResponse.error(403, detail: "This page changes nothing.") }
        guard method == .get || method == .head else {
            var refusal = LocalResponse.error(405)
            refusal.fields.append((name: "allow", value: "GET, HEAD"))
            return refusal
        }
        var body: [UInt8] = []
        let type: String
        func snapshot() -> StatsSnapshot {
            var snapshot = all()
            snapshot.proxies.removeAll { !settings.shows($0.name, section: section) || !request.asksFor($0.name) }
            return snapshot
        }
        switch request.form {
        case .page:
            StatsPage(snapshot: snapshot(), settings: settings, request: request).append(to: &body)
            type = "text/html; charset=utf-8"
        case .csv:
            snapshot().appendCSV(request.filter, showsLegends: settings.showsLegends, to: &body)
            type = "text/plain"
        case .json:
            snapshot().appendJSON(request.filter, showsLegends: settings.showsLegends, to: &body)
            type = "application/json"
        case .typed:
            snapshot().appendTyped(request.filter, showsLegends: settings.showsLegends, to: &body)
            type = "text/plain"
        }
        let fields = [
            (name: "cache-control", value: "no-cache"), (name: "content-type", value: type),
            (name: "x-content-type-options", value: "nosniff"),
            // The page brings its own style and nothing else.
            (name: "content-security-policy", value: "default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
        ]
        return LocalResponse(status: 200, fields: fields, body: body)
    }

    /// RFC 7617 section 2; the realm is a quoted string without control characters.
    private static func challenge(_ realm: String) -> String {
        var quoted = "Basic realm=\""
        for scalar in realm.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7F {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}

extension StatsPageSettings {
    /// Whether a section is within what `stats scope` lines name.
    fileprivate func shows(_ name: String, section: String) -> Bool {
        scope.isEmpty || scope.contains(name) || name == section && scope.contains(".")
    }
}

extension StatsRequest {
    /// As in HAProxy the text may be anywhere in the name, and letters compare without case.
    fileprivate func asksFor(_ name: String) -> Bool {
        scope.isEmpty || name.lowercased().contains(scope.lowercased())
    }
}
