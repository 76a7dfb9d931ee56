// `balance uri`: the request's target decides, so that each server of a cache keeps other pages.

internal import Basics
public import Configuration
internal import HTTP

public final class TargetHash: KeyedAlgorithm {
    /// Which part of the target counts.
    public struct Options: Sendable {
        /// Bytes at its beginning; nil for all.
        var length: Int?
        /// It ends before the slash that is one more than this; nil for no such end.
        var depth: Int?
        /// The query, too.
        var isWhole = false
        /// Only what follows the authority of an absolute target.
        var isPathOnly = false
    }

    public static let words = ["uri"]
    public static let summary = "the target up to its query, or a part of it"
    public static let arguments = " [len <n>] [depth <n>] [whole] [path-only]"

    public let servers: HashedServers
    private let options: Options

    public static func options(_ args: inout Arguments) throws(ConfigProblem) -> Options {
        var options = Options()
        while let word = args.nextIfPresent() {
            switch word.text {
            case "len": options.length = try args.integer("a number of bytes", in: 1...Int(Int32.max))
            case "depth": options.depth = try args.integer("a number of slashes", in: 1...Int(Int32.max))
            case "whole": options.isWhole = true
            case "path-only": options.isPathOnly = true
            default:
                throw args.problem(
                    "unexpected '\(word.text)' after 'balance uri'", at: word,
                    expected: "len, depth, whole or path-only",
                    suggestion: nearest(word.text, among: ["len", "depth", "whole", "path-only"]))
            }
        }
        return options
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
            guard !head.target.isEmpty else { return nil }
            if options.isPathOnly { return settings.hash(Self.key(head.pathAndQuery, options)) }
            return settings.hash(Self.key(head.target, options))
        }
    }

    @_lifetime(copy target)
    private static func key(_ target: RawSpan, _ options: Options) -> RawSpan {
        let most = min(target.byteCount, options.length ?? .max)
        var slashes = 0
        for i in 0..<most {
            if target[i] == 0x2F {
                slashes += 1
                if let depth = options.depth, slashes > depth { return target.extracting(0..<i) }
            } else if target[i] == 0x3F, !options.isWhole {
                return target.extracting(0..<i)
            }
        }
        return target.extracting(0..<most)
    }
}
