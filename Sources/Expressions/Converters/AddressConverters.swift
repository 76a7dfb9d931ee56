// `ipmask`: the network that an address is in (manual, section 7.3.1).

internal import Basics
internal import Configuration

struct AddressMask: Sendable {
    private let v4: UInt32
    /// nil for none: IPv6 addresses have no network then.
    private let v6: (high: UInt64, low: UInt64)?

    static let rows: [ConverterRow] = [
        ConverterRow(
            "ipmask", "(<mask4>[,<mask6>])", takes: .address, yields: .address,
            summary:
                "The address with the bits that a mask leaves: 24 or 255.255.255.0 for IPv4, 64 or ffff:ffff:: for IPv6. "
                + "Nothing for IPv6 without <mask6>."
        ) { (arguments, _) throws(ConfigProblem) in
            let what = "a mask for IPv4, like 24 or 255.255.255.0"
            let text = try arguments.string(what)
            guard let v4 = mask4(text) else { throw arguments.problem("'\(text)' is no such mask", expected: what) }
            guard let text = arguments.optionalString() else { return .addressMask(AddressMask(v4: v4, v6: nil)) }
            guard let v6 = mask6(text) else {
                throw arguments.problem(
                    "'\(text)' is no such mask", expected: "a mask for IPv6, like 64 or ffff:ffff:ffff::")
            }
            return .addressMask(AddressMask(v4: v4, v6: v6))
        }
    ]

    private static func mask4(_ text: String) -> UInt32? {
        if let bits = Int(text) { return 0...32 ~= bits ? ~(.max >> UInt32(bits)) : nil }
        if case .v4(let mask)? = IPAddress(text) { return mask }
        return nil
    }

    private static func mask6(_ text: String) -> (high: UInt64, low: UInt64)? {
        if let bits = Int(text) {
            guard 0...128 ~= bits else { return nil }
            return (~(.max >> UInt64(bits)), bits > 64 ? ~(.max >> UInt64(bits - 64)) : 0)
        }
        if case .v6(let high, let low)? = IPAddress(text) { return (high, low) }
        return nil
    }

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        // An IPv4 address that came in through an IPv6 socket is one.
        switch value.address(context)?.unmapped {
        case .v4(let word): .address(.v4(word & v4))
        case .v6(let high, let low): v6.map { .address(.v6(high & $0.high, low & $0.low)) }
        case nil: nil
        }
    }
}
