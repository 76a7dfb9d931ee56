// The settings of a proxy's stats page, and what a request asks of it.

public import Basics
public import Configuration

/// The stats page of one proxy. Any `stats` line turns it on, as in HAProxy.
public struct StatsPageSettings: SectionSettings {
    public struct User: Sendable, Equatable {
        public let name: String
        public let password: String

        public init(name: String, password: String) {
            self.name = name
            self.password = password
        }
    }

    public var isEnabled = false
    /// `stats uri`: the page is at every target that begins with this.
    public var uri = "/haproxy?stats"
    /// `stats refresh`: how often the page loads itself again; nil for never.
    public var refresh: TimeSpan?
    public var hidesVersion = false
    /// `stats show-legends`: addresses, cookies, algorithms.
    public var showsLegends = false
    /// `stats show-node`, with the name to show or nil for the machine's.
    public var showsNode = false
    public var node: String?
    /// `stats show-desc`, with the text to show or nil for that of `global`.
    public var showsDescription = false
    public var description: String?
    public var realm = "Portico Statistics"
    /// `stats auth`: the users that may see the page; empty if it is open to all.
    public var users: [User] = []
    /// `stats scope`: the sections that are shown, `.` for the page's own; all if none is named.
    public var scope: [String] = []

    public init() {}
}

/// What a request asks of the stats page.
public struct StatsRequest: Sendable, Equatable {
    public enum Form: Sendable, Equatable { case page, csv, json, typed }

    public var form = Form.page
    /// `;norefresh`
    public var isStill = false
    /// `;up`
    public var hidesDown = false
    /// `;no-maint`
    public var hidesMaintenance = false
    /// `;scope=<text>`: only sections with this in their names; empty for all.
    public var scope = ""
    /// HAProxy uses this many bytes of the text.
    private static let scopeBytesMax = 20

    public init() {}

    /// What `target` (path and query as received) asks of the page at `settings.uri`; nil if it is not for the page.
    /// Options follow the URI, each after a `;`. Unknown ones are ignored, as in HAProxy.
    public static func parse(_ target: RawSpan, settings: StatsPageSettings) -> StatsRequest? {
        guard settings.isEnabled else { return nil }
        let uri = settings.uri.utf8
        guard target.byteCount >= uri.count else { return nil }
        for (i, byte) in uri.enumerated() where target[i] != byte { return nil }

        var request = StatsRequest()
        let rest = target.extracting(uri.count..<target.byteCount)
        var start = 0
        for i in 0...rest.byteCount where i == rest.byteCount || isSeparator(rest[i]) {
            request.take(rest.extracting(start..<i))
            start = i + 1
        }
        return request
    }

    private mutating func take(_ option: RawSpan) {
        if option.equals("csv") {
            form = .csv
        } else if option.equals("json") {
            form = .json
        } else if option.equals("typed") {
            form = .typed
        } else if option.equals("norefresh") {
            isStill = true
        } else if option.equals("up") {
            hidesDown = true
        } else if option.equals("no-maint") {
            hidesMaintenance = true
        } else if let text = Self.value(of: option, behind: "scope=") {
            scope = text
        }
    }

    /// The value of the option `name`, cut to `scopeBytesMax`; empty if it has a byte that no section's name has, and nil if it is
    /// another option.
    private static func value(of option: RawSpan, behind name: StaticString) -> String? {
        let length = name.utf8CodeUnitCount
        guard option.byteCount >= length, option.extracting(first: length).equals(name) else { return nil }
        let rest = option.extracting(droppingFirst: length)
        var text = ""
        for i in 0..<min(rest.byteCount, scopeBytesMax) {
            let scalar = Unicode.Scalar(rest[i])
            guard scalar.isASCII,
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_:.-".unicodeScalars.contains(scalar)
            else { return "" }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x3B || byte == 0x3F || byte == 0x26 }

    var filter: RowFilter {
        RowFilter(hidesDown: hidesDown, hidesMaintenance: hidesMaintenance, nameContains: scope)
    }
}
