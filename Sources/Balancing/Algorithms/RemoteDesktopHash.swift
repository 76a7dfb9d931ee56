// `balance rdp-cookie`: the cookie that a Remote Desktop client begins with decides.
//
// It has to be here when a server is chosen: rules on content wait for it (`tcp-request content accept if { req.rdp_cookie -m found }`).

internal import Basics
public import Configuration

public final class RemoteDesktopHash: KeyedAlgorithm {
    public static let words = ["rdp-cookie"]
    public static let summary =
        "the cookie of a Remote Desktop client, mstshash by default, if tcp-request content rules have waited for it"
    public static let arguments = "[(<name>)]"
    public static var takesParentheses: Bool { true }

    public let servers: HashedServers

    /// The sample that finds the cookie.
    public static func options(_ args: inout Arguments) throws(ConfigProblem) -> Word {
        let name = args.nextInParentheses()
        return Word("req.rdp_cookie(\(name?.text ?? "mstshash"))", at: (name ?? args.keyword).range)
    }

    public static func needs(_ sample: Word) -> BalancingNeeds { BalancingNeeds(expression: sample) }

    public init(_ sample: Word, among servers: HashedServers) { self.servers = servers }

    public func hash<Request: BalancingRequest & ~Copyable>(
        of request: borrowing Request, _ settings: HashSettings
    ) -> UInt32? {
        request.withKey { $0.isEmpty ? nil : settings.hash($0) } ?? nil
    }
}
