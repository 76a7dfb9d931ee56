// `balance hash <expression>`: whatever an expression finds in the request decides.

internal import Basics
public import Configuration

public final class ExpressionHash: KeyedAlgorithm {
    public static let words = ["hash"]
    public static let summary = "what the expression yields, such as req.cook(id) or src,ipmask(24)"
    public static let arguments = " <expression>"

    public let servers: HashedServers

    public static func options(_ args: inout Arguments) throws(ConfigProblem) -> Word {
        try args.next("an expression")
    }

    public static func needs(_ expression: Word) -> BalancingNeeds { BalancingNeeds(expression: expression) }

    public init(_ expression: Word, among servers: HashedServers) { self.servers = servers }

    public func hash<Request: BalancingRequest & ~Copyable>(
        of request: borrowing Request, _ settings: HashSettings
    ) -> UInt32? {
        request.withKey(settings.hash)
    }
}
