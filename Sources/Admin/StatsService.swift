// A request for the stats page becomes an answer: access first, then the form that was asked for.

internal import Basics
public import HTTP

/// What a request for the stats page gets.
public struct StatsResponse {
    /// Status and fields. Its body is the whole answer where `body` is nil, and empty otherwise.
    public let head: LocalResponse
    /// The page or table, made while the client takes it. The answer to HEAD has the same; the sender leaves it out.
    public let body: PiecewiseAnswer?
}

public enum StatsService {
    /// The answer to one request for the page. `source` is called only for those who may see the page.
    ///
    /// - Parameters:
    ///   - authorization: the value of the request's Authorization field; nil if it has none.
    ///   - section: the section that the page belongs to, which `stats scope .` means.
    public static func respond(
        to request: StatsRequest, method: Method, authorization: RawSpan?, settings: StatsPageSettings, section: String,
        source: () -> any StatsSource
    ) -> StatsResponse {
        guard StatsAccess.check(authorization: authorization, settings: settings) == .allowed else {
            var refusal = LocalResponse.error(401)
            refusal.fields.append((name: "www-authenticate", value: challenge(settings.realm)))
            return StatsResponse(head: refusal, body: nil)
        }
        // POST asks for a change of a server's state, which the page does not offer.
        if method == .post {
            return StatsResponse(head: .error(403, detail: "This page changes nothing."), body: nil)
        }
        guard method == .get || method == .head else {
            var refusal = LocalResponse.error(405)
            refusal.fields.append((name: "allow", value: "GET, HEAD"))
            return StatsResponse(head: refusal, body: nil)
        }
        var filter = request.filter
        filter.scope = settings.scope
        filter.section = section
        func table(_ form: StatsTable.Form) -> StatsTable {
            StatsTable(source(), as: form, filter, showsLegends: settings.showsLegends)
        }
        let (producer, type): (any PieceProducer, String) =
            switch request.form {
            case .page:
                (
                    StatsPage(source(), settings: settings, request: request, filter: filter),
                    "text/html; charset=utf-8"
                )
            case .csv: (table(.csv), "text/plain")
            case .json: (table(.json), "application/json")
            case .typed: (table(.typed(describes: false)), "text/plain")
            }
        let fields = [
            (name: "cache-control", value: "no-cache"), (name: "content-type", value: type),
            (name: "x-content-type-options", value: "nosniff"),
            // The page brings its own style and nothing else.
            (name: "content-security-policy", value: "default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
        ]
        return StatsResponse(
            head: LocalResponse(status: 200, fields: fields, body: []), body: PiecewiseAnswer(producer))
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
