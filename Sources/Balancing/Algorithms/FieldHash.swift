// `balance hdr(<name>)`: a header field of the request decides: the first value of its list.

internal import Basics
public import Configuration
internal import HTTP

public final class FieldHash: KeyedAlgorithm {
    public struct Options: Sendable {
        /// In lower case.
        let name: [UInt8]
        let isDomainOnly: Bool
    }

    public static let words = ["hdr"]
    public static let summary = "this header field; of a host name with use_domain_only the part before its last dot"
    public static let arguments = "(<name>) [use_domain_only]"
    public static var takesParentheses: Bool { true }

    public let servers: HashedServers
    private let options: Options

    public static func options(_ args: inout Arguments) throws(ConfigProblem) -> Options {
        guard let name = args.nextInParentheses() else {
            throw args.problem("'hdr' lacks the name of a field", expected: "hdr(<name>), without a blank")
        }
        return Options(
            name: args.withoutColon(name).text.verbatimBytes.map(asciiLowercased),
            isDomainOnly: args.skip("use_domain_only"))
    }

    public static func needs(_ options: Options) -> BalancingNeeds { BalancingNeeds(head: true) }

    public init(_ options: Options, among servers: HashedServers) {
        self.options = options
        self.servers = servers
    }

    public func hash<Request: BalancingRequest & ~Copyable>(
        of request: borrowing Request, _ settings: HashSettings
    ) -> UInt32? {
        let options = options
        return request.withHead { head in
            guard let field = head.fields.first(named: options.name) else { return nil }
            let value = head.fields.value(field).firstOfList
            if value.isEmpty { return nil }
            return settings.hash(options.isDomainOnly ? value.withinDomain : value)
        }
    }
}

extension RawSpan {
    /// The first value of a list, without white space behind it.
    fileprivate var firstOfList: RawSpan {
        @_lifetime(copy self)
        get {
            var isQuoted = false
            var end = 0
            while end < byteCount, isQuoted || self[end] != 0x2C {
                if self[end] == 0x22 { isQuoted.toggle() }
                // What is escaped within quotes does not end them.
                if isQuoted, self[end] == 0x5C { end += 1 }
                end += 1
            }
            end = Swift.min(end, byteCount)
            while end > 0, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
            return extracting(0..<end)
        }
    }

    /// What is before the last dot, and behind the dot before that one: `site` in `www.site.example`. All of it if there is no
    /// dot behind the first byte.
    fileprivate var withinDomain: RawSpan {
        @_lifetime(copy self)
        get {
            var end = byteCount - 1
            while end > 0, self[end] != 0x2E { end -= 1 }
            guard end > 0 else { return self }
            var start = end - 1
            while start > 0, self[start - 1] != 0x2E { start -= 1 }
            return extracting(Swift.max(0, start)..<end)
        }
    }
}
