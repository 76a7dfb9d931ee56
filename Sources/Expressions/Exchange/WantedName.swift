// The name that a rule wants an address for, and the address that was found.

public import Basics

/// A name for which a rule wants an address.
public struct WantedName: Sendable {
    /// The section's index in the list that `Draft.resolve` was given.
    public private(set) var resolvers = 0
    /// Rather than an IPv6 address, if there are both.
    public private(set) var prefersIPv4 = false
    /// As the expression yields it: anything, but no longer than a name can be.
    public var name: [UInt8] = []
    /// With a dot at its end (RFC 1035 section 2.3.4).
    public static let bytesMax = 254
    fileprivate var variable: VariableName?

    public init() {}

    /// Notes what a rule wants; `name` is set beside it.
    public mutating func want(_ variable: VariableName, from resolvers: Int, prefersIPv4: Bool) {
        self.variable = variable
        self.resolvers = resolvers
        self.prefersIPv4 = prefersIPv4
    }
}

extension ExchangeFacts {
    /// Sets the variable for whose sake `wantedName` was looked up; without an address it stays as it is.
    public func found(_ address: IPAddress?) {
        guard let variable = wantedName.variable else { preconditionFailure("an address that no rule wants") }
        wantedName.variable = nil
        if let address { set(variable, .address(address)) }
    }
}
