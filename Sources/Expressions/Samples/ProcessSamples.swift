// The clock, chance, and the process itself (manual, section 7.3.2).

internal import Basics
internal import Configuration
internal import Glibc

enum ProcessSample: SampleFamily {
    /// Units of `perSecond` to a second since 1970, and `offset` of them.
    case date(offset: Int, perSecond: Int)
    case microseconds
    /// A number from 0 to one less than this.
    case random(Int)
    /// Of version 7 if it begins with the time, else of version 4.
    case uuid(isTimed: Bool)
    case thread, processID, isStopping, connections, uptime
    case exchangeNumber

    static let rows: [SampleRow] = [
        SampleRow(
            "date", "([<offset>[,<unit>]])", yields: .integer, from: .start,
            summary: "The time since 1970 and an offset, both in s, or else in ms or us."
        ) { (arguments, _) throws(ConfigProblem) in
            let offset = try arguments.optionalInteger("an offset", in: .min ... .max) ?? 0
            let unit = arguments.optionalString() ?? "s"
            guard let perSecond = ["s": 1, "ms": 1_000, "us": 1_000_000][unit] else {
                throw arguments.problem("'\(unit)' is no unit of time here", expected: "s, ms or us")
            }
            return .process(.date(offset: offset, perSecond: perSecond))
        },
        SampleRow(
            "date_us", yields: .integer, from: .start, .process(.microseconds),
            summary: "The microseconds within the second that date yields."),
        SampleRow(
            "rand", "([<range>])", yields: .integer, from: .start,
            summary:
                "A number by chance, from 0 to one less than the range, which is 2^32 if not said. Not for secrets."
        ) { (arguments, _) throws(ConfigProblem) in
            .process(.random(try arguments.optionalInteger("a range", in: 1...1 << 32) ?? 1 << 32))
        },
        SampleRow(
            "uuid", "([<version>])", yields: .string, from: .start,
            summary:
                "A name that nobody else has (RFC 9562): random (version 4), or the time and random bits behind it (7)."
        ) { (arguments, _) throws(ConfigProblem) in
            let version = try arguments.optionalInteger("a version", in: .min ... .max) ?? 4
            guard version == 4 || version == 7 else {
                throw arguments.problem("there is no version \(version) here", expected: "4 or 7")
            }
            return .process(.uuid(isTimed: version == 7))
        },
        SampleRow(
            "thread", yields: .integer, from: .start, .process(.thread),
            summary: "The number of the worker, from 0, that handles the exchange."),
        SampleRow("pid", yields: .integer, from: .start, .process(.processID), summary: "The process's number."),
        SampleRow(
            "stopping", yields: .bool, from: .start, .process(.isStopping),
            summary: "Whether the process is about to stop and accepts no more connections."),
        SampleRow(
            "act_conn", yields: .integer, from: .start, .process(.connections),
            summary: "The client connections of the whole process."),
        SampleRow(
            "uptime", yields: .integer, from: .start, .process(.uptime),
            summary: "The seconds since the process started."),
        SampleRow(
            "txn.id32", yields: .integer, from: .requestBytes, .process(.exchangeNumber),
            summary: "The exchange's number in this process (%rt), in 32 bits."),
        SampleRow(
            "tgroup", yields: .integer, from: .start, .constant(.integer(0)),
            summary: "The number of the worker's group: 0, there is one."),
        SampleRow(
            "quic_enabled", yields: .bool, from: .start, .constant(.bool(false)),
            summary: "Whether there is QUIC. Not yet."),
    ]
    func fetch(_ context: ExchangeContext, _: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        switch self {
        case .date(let offset, let perSecond):
            let now = context.wallTime
            return .integer(now.seconds &* perSecond &+ now.microseconds / (1_000_000 / perSecond) &+ offset)
        case .microseconds: return .integer(context.wallTime.microseconds)
        case .random(let range):
            // The high half of the product: each number as often as any other, to within 2^-32.
            return .integer(Int(context.randomNumber().multipliedFullWidth(by: UInt64(range)).high))
        case .uuid(let isTimed):
            var high = context.randomNumber() & ~0xF000 | 0x4000
            if isTimed {
                let now = context.wallTime
                let milliseconds = UInt64(clamping: now.seconds &* 1_000 &+ now.microseconds / 1_000)
                high = milliseconds << 16 | high & 0x0FFF | 0x7000
            }
            let low = context.randomNumber() & ~(3 << 62) | 1 << 63
            return .string(context.make { Self.appendUUID(high, low, to: &$0) })
        case .thread: return .integer(context.threadIndex)
        case .processID: return .integer(Int(getpid()))
        case .isStopping: return context.site.map { .bool($0.number(.isStopping) != 0) }
        case .connections: return context.site.map { .integer($0.number(.connections)) }
        case .uptime: return context.site.map { .integer($0.number(.uptime)) }
        case .exchangeNumber: return .integer(Int(context.requestCounter & 0xFFFF_FFFF))
        }
    }

    /// RFC 9562 sections 5.4 and 5.7: random but for the version's and the variant's bits, and for the time.
    private static func appendUUID(_ high: UInt64, _ low: UInt64, to out: inout [UInt8]) {
        for place in 0..<32 {
            if place == 8 || place == 12 || place == 16 || place == 20 { out.append(0x2D) }
            let digit = UInt8(truncatingIfNeeded: (place < 16 ? high : low) >> UInt64(60 - place % 16 * 4) & 15)
            out.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}

extension ExchangeContext {
    /// The worker's wall clock and random numbers; the system's own where rules run without a site, as in their tests.
    fileprivate var wallTime: WallTime { site?.wallTime() ?? .now() }
    fileprivate func randomNumber() -> UInt64 { site?.randomNumber() ?? .random(in: 0 ... .max) }
}
