// A request for the stats page becomes an answer: access first, then the form that was asked for.

public import HTTP

public enum StatsService {
    /// The answer to one request for the page. `snapshot` is called only for those who may see it.
    ///
    /// The answer to HEAD has the same body as that to GET; whoever sends it leaves the body out.
    public static func answer(
        _ request: StatsRequest, method: Method, authorization: RawSpan?, settings: StatsPageSettings,
        snapshot: () -> StatsSnapshot
    ) -> LocalResponse {
        guard StatsAccess.check(authorization: authorization, settings: settings) == .allowed else {
            var refusal = LocalResponse.error(401)
            refusal.fields.append((name: "www-authenticate", value: challenge(settings.realm)))
            return refusal
        }
        guard method == .get || method == .head else {
            var refusal = LocalResponse.error(405)
            refusal.fields.append((name: "allow", value: "GET, HEAD"))
            return refusal
        }
        var body: [UInt8] = []
        let type: String
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
