// The first packets of MQTT 3.1, 3.1.1 and 5.0, CONNECT of the client and CONNACK of the broker (OASIS, MQTT 5.0 sections 3.1
// and 3.2; manual, section 7.3.1): whether the bytes are one, and what is in it.

internal import Basics
internal import Configuration

struct MQTTConverter: Sendable {
    /// nil for whether it is a packet at all.
    private let wanted: MQTTField?
    private let type: MQTTPacketType

    static let rows: [ConverterRow] = [
        ConverterRow(
            "mqtt_is_valid", takes: .binary, yields: .bool,
            summary: "Whether the bytes begin with a CONNECT or CONNACK of MQTT 3.1, 3.1.1 or 5.0."
        ) { (_, _) throws(ConfigProblem) in .mqtt(MQTTConverter(wanted: nil, type: .connect)) },
        ConverterRow(
            "mqtt_field_value", "(<packet>,<field>)", takes: .binary, yields: .binary,
            summary:
                "A field of a CONNECT (or 1): flags, protocol_name, protocol_version, client_identifier, will_topic, "
                + "will_payload, username, password, keepalive; of a CONNACK (or 2): flags, protocol_version, reason_code; "
                + "or a property of MQTT 5.0 by its number. Numbers are written out."
        ) { (arguments, _) throws(ConfigProblem) in
            let name = try arguments.string("connect or connack").lowercased()
            guard let type = MQTTPacketType(name) else {
                throw arguments.problem("'\(name)' is no packet that is known here", expected: "connect or connack")
            }
            let field = try arguments.string("a field's name, or a property's number").lowercased()
            guard let wanted = MQTTField(field, in: type) else {
                throw arguments.problem(
                    "a \(name) has no field '\(field)'",
                    expected: "\(type.fields.map(\.rawValue).joined(separator: ", ")), or a property's number")
            }
            return .mqtt(MQTTConverter(wanted: wanted, type: type))
        },
    ]

    func apply(_ value: SampleValue, _ context: ExchangeContext) -> SampleValue? {
        let bytes = value.bytes(context)
        switch context.withBytes(bytes, { MQTTPacket.read($0, wanted, of: wanted == nil ? nil : type) }) {
        case .needsMore:
            context.isUndecided = context.mayGrow
            return nil
        case .invalid: return wanted == nil ? .bool(false) : nil
        case .valid(let found):
            if wanted == nil { return .bool(true) }
            switch found {
            case nil: return nil
            case .bytes(let range): return .string(bytes.part(range))
            case .number(let number):
                return .string(context.make { TextWriter.append(to: &$0) { $0.append(number: number) } })
            }
        }
    }
}

enum MQTTPacketType: UInt8, Sendable {
    case connect = 1
    case connack = 2

    /// By its name in lower case, or its number.
    init?(_ name: String) {
        switch name {
        case "connect", "1": self = .connect
        case "connack", "2": self = .connack
        default: return nil
        }
    }

    var fields: [MQTTFieldName] {
        switch self {
        case .connect:
            [
                .flags, .protocolName, .protocolVersion, .clientIdentifier, .willTopic, .willPayload, .username,
                .password, .keepalive,
            ]
        case .connack: [.flags, .protocolVersion, .reasonCode]
        }
    }

    /// The properties that may be asked for. User properties (38) have a name and a value.
    fileprivate var properties: [UInt8] {
        switch self {
        case .connect: MQTTPropertySet.connect.properties + MQTTPropertySet.will.properties
        case .connack: MQTTPropertySet.connack.properties
        }
    }
}

enum MQTTFieldName: String, Sendable {
    case flags, username, password, keepalive
    case protocolName = "protocol_name"
    case protocolVersion = "protocol_version"
    case clientIdentifier = "client_identifier"
    case willTopic = "will_topic"
    case willPayload = "will_payload"
    case reasonCode = "reason_code"
}

enum MQTTField: Equatable, Sendable {
    case named(MQTTFieldName)
    case property(UInt8)

    fileprivate init?(_ text: String, in type: MQTTPacketType) {
        if let name = MQTTFieldName(rawValue: text), type.fields.contains(name) {
            self = .named(name)
        } else if let number = UInt8(text), number != 38, type.properties.contains(number) {
            self = .property(number)
        } else {
            return nil
        }
    }
}

/// Which properties may be where (section 2.2.2.2).
private enum MQTTPropertySet {
    case connect, will, connack

    var properties: [UInt8] {
        switch self {
        case .connect: [17, 21, 22, 23, 25, 33, 34, 38, 39]
        case .will: [1, 2, 3, 8, 9, 24, 38]
        case .connack: [17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 38, 39, 40, 41, 42]
        }
    }
}

/// One packet, read from its first byte to its last.
private struct MQTTPacket: ~Escapable {
    enum Value {
        case bytes(Range<Int>)
        case number(Int)
    }

    enum Reading {
        case invalid
        case needsMore
        case valid(Value?)
    }

    private let bytes: RawSpan
    private let wanted: MQTTField?
    private var position: Int
    private var end: Int
    private var found: Value?

    /// - Parameter type: the packet that the field is of; a whole packet of another type has none.
    static func read(_ bytes: RawSpan, _ wanted: MQTTField?, of type: MQTTPacketType?) -> Reading {
        guard bytes.byteCount > 0 else { return .needsMore }
        // No packet that is known here has flags.
        guard bytes[0] & 0x0F == 0, let actual = MQTTPacketType(rawValue: bytes[0] >> 4) else { return .invalid }
        // The rest's length: seven bits a byte, the lowest first, and four bytes at most (section 1.5.5).
        var length = 0
        var position = 1
        while true {
            guard position <= 4 else { return .invalid }
            guard position < bytes.byteCount else { return .needsMore }
            length |= Int(bytes[position] & 0x7F) << (7 * (position - 1))
            position += 1
            if bytes[position - 1] < 0x80 { break }
        }
        guard position + length <= bytes.byteCount else { return .needsMore }
        var packet = MQTTPacket(bytes, from: position, to: position + length, type == actual ? wanted : nil)
        let isValid = actual == .connect ? packet.readConnect() : packet.readConnack()
        guard isValid, packet.position == packet.end else { return .invalid }
        return .valid(packet.found)
    }

    @_lifetime(copy bytes)
    private init(_ bytes: RawSpan, from position: Int, to end: Int, _ wanted: MQTTField?) {
        self.bytes = bytes
        self.wanted = wanted
        self.position = position
        self.end = end
    }

    @_lifetime(self: copy self)
    private mutating func readConnect() -> Bool {
        guard let name = string(.protocolName), let version = number(bytes: 1, .protocolVersion) else { return false }
        switch version {
        case 3: guard bytes.extracting(name).equals("MQIsdp") else { return false }
        case 4, 5: guard bytes.extracting(name).equals("MQTT") else { return false }
        default: return false
        }
        guard let flags = number(bytes: 1, .flags), flags & 1 == 0, number(bytes: 2, .keepalive) != nil else {
            return false
        }
        if version == 5 { guard readProperties(of: .connect) else { return false } }
        guard string(.clientIdentifier) != nil else { return false }
        if flags & 0x04 != 0 {
            if version == 5 { guard readProperties(of: .will) else { return false } }
            guard string(.willTopic) != nil, string(.willPayload) != nil else { return false }
        }
        if flags & 0x80 != 0 { guard string(.username) != nil else { return false } }
        if flags & 0x40 != 0 { guard string(.password) != nil else { return false } }
        return true
    }

    @_lifetime(self: copy self)
    private mutating func readConnack() -> Bool {
        // Before 5.0 there were no properties, and their length was not there either.
        let version = end - position == 2 ? 4 : 5
        note(.named(.protocolVersion), .number(version))
        guard let flags = number(bytes: 1, .flags), flags <= 1, number(bytes: 1, .reasonCode) != nil else {
            return false
        }
        return version == 4 || readProperties(of: .connack)
    }

    // MARK: Parts

    @_lifetime(self: copy self)
    private mutating func note(_ field: MQTTField, _ value: Value) { if field == wanted { found = value } }

    @_lifetime(self: copy self)
    private mutating func advance(by count: Int) -> Range<Int>? {
        guard count <= end - position else { return nil }
        position += count
        return position - count..<position
    }

    @_lifetime(self: copy self)
    private mutating func number(bytes count: Int, _ name: MQTTFieldName? = nil) -> Int? {
        guard let place = advance(by: count) else { return nil }
        var number = 0
        for i in place { number = number << 8 | Int(bytes[i]) }
        if let name { note(.named(name), .number(number)) }
        return number
    }

    /// Bytes with their number before them.
    @_lifetime(self: copy self)
    private mutating func string(_ name: MQTTFieldName? = nil) -> Range<Int>? {
        guard let count = number(bytes: 2), let place = advance(by: count) else { return nil }
        if let name { note(.named(name), .bytes(place)) }
        return place
    }

    /// None may be there twice, but those of the user.
    @_lifetime(self: copy self)
    private mutating func readProperties(of set: MQTTPropertySet) -> Bool {
        guard let length = variableNumber(), length <= end - position else { return false }
        let stop = position + length
        let packetEnd = end
        end = stop
        var seen: UInt64 = 0
        while position < stop {
            guard let property = number(bytes: 1), set.properties.contains(UInt8(property)) else { return false }
            guard property == 38 || seen & 1 << UInt64(property) == 0 else { return false }
            seen |= 1 << UInt64(property)
            guard readProperty(UInt8(property)) else { return false }
        }
        end = packetEnd
        return true
    }

    @_lifetime(self: copy self)
    private mutating func readProperty(_ property: UInt8) -> Bool {
        let value: Value?
        switch property {
        case 1, 23, 25, 36, 37, 40, 41, 42: value = number(bytes: 1).flatMap { $0 <= 1 ? .number($0) : nil }
        case 19, 33, 34: value = number(bytes: 2).map { .number($0) }
        case 2, 17, 24, 39: value = number(bytes: 4).map { .number($0) }
        case 38:
            guard string() != nil else { return false }
            value = string().map { .bytes($0) }
        default: value = string().map { .bytes($0) }
        }
        guard let value else { return false }
        note(.property(property), value)
        return true
    }

    @_lifetime(self: copy self)
    private mutating func variableNumber() -> Int? {
        var value = 0
        for place in 0..<4 {
            guard let byte = number(bytes: 1) else { return nil }
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80 { return value }
        }
        return nil
    }
}
