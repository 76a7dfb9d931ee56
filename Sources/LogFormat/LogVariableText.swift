// How log variables write their texts: captures, dates, the parts of a request line (manual, section 8.2.6).

internal import Basics
internal import Expressions
internal import Glibc
internal import HTTP
internal import Patterns
internal import TLS

extension TextWriter {
    mutating func append(ipOf address: SocketAddress?, _ flags: Format.Flags, _ isLine: Bool) {
        switch address {
        case .ip(.v4(let word), _) where flags.contains(.hexadecimal): append(hexadecimal: UInt64(word), width: 8)
        case .ip(.v6(let high, let low), _) where flags.contains(.hexadecimal):
            append(hexadecimal: high, width: 16)
            append(hexadecimal: low, width: 16)
        case .ip(let ip, _):
            if flags.contains(.quote) { append(0x22) }
            append(ip: ip)
            if flags.contains(.quote) { append(0x22) }
        case .path, .abstract, .abstractExact, .pair: append(text: "unix", flags, isLine: isLine)
        case nil: append(missing: flags, isLine: isLine)
        }
    }

    /// What the client's handshake has agreed on.
    mutating func append(
        handshake fact: HandshakeFact, _ context: ExchangeContext, _ flags: Format.Flags, _ isLine: Bool
    ) {
        context.withScratch {
            var isKnown = false
            let bytes = context.make { isKnown = context.connection.clientTLS?.append(fact, to: &$0) ?? false }
            guard isKnown else { return append(missing: flags, isLine: isLine) }
            context.withBytes(bytes) { append(text: $0, flags, isLine: isLine) }
        }
    }

    mutating func append(portOf address: SocketAddress?, _ flags: Format.Flags, _ isLine: Bool) {
        guard let address else { return append(missing: flags, isLine: isLine) }
        append(number: UInt64(address.port ?? 0), flags, width: 4)
    }

    mutating func append(number: UInt64, _ flags: Format.Flags, width: Int) {
        if flags.contains(.hexadecimal) { append(hexadecimal: number, width: width) } else { append(number: number) }
    }

    /// In a line that is written while the exchange still goes on (`option logasap`) a plus sign in front says that the number
    /// will yet grow.
    mutating func append(number value: Int, growing isLine: Bool, _ context: ExchangeContext) {
        if isLine, context.timers.ended == nil { append(0x2B) }
        append(number: value)
    }

    mutating func append(date time: WallTime) {
        append(logDate: LocalCalendar.civil(time), withMillisecondsOf: time)
    }

    mutating func append(zonedDate civil: CivilTime) {
        append(logDate: civil)
        append(0x20)
        append(offsetOf: civil)
    }

    /// `{a|b}`; nothing if nothing is captured in this frontend.
    mutating func append(captures: FieldCaptures, _ flags: Format.Flags) {
        guard captures.count > 0 else { return }
        if flags.contains(.quote) { append(0x22) }
        append(0x7B)
        for i in 0..<captures.count {
            if i > 0 { append(0x7C) }
            append(captures.values[i], .logField, escapingParameters: flags.contains(.escape))
        }
        append(0x7D)
        if flags.contains(.quote) { append(0x22) }
    }

    /// `a b`, with a dash for what is missing.
    mutating func append(captureList captures: FieldCaptures, _ flags: Format.Flags, _ isLine: Bool) {
        for i in 0..<captures.count {
            if i > 0 { append(0x20) }
            if captures.values[i].isEmpty {
                append(missing: flags, isLine: isLine)
            } else {
                if flags.contains(.quote) { append(0x22) }
                append(captures.values[i], .logField, escapingParameters: flags.contains(.escape))
                if flags.contains(.quote) { append(0x22) }
            }
        }
    }

    mutating func append(requestPart part: LogVariable, of line: [UInt8], _ flags: Format.Flags) {
        guard !line.isEmpty else { return append(badRequest) }
        let range = part == .requestLine ? 0..<line.count : RequestLineParts(line).range(of: part)
        unsafe append(line.span.bytes.extracting(range), .logURL, escapingParameters: flags.contains(.escape))
    }
}

/// Where the parts of a captured request line are. It may have been cut at the end, so any part may be missing.
struct RequestLineParts {
    let line: [UInt8]
    let methodEnd: Int
    let targetEnd: Int

    init(_ line: [UInt8]) {
        self.line = line
        methodEnd = line.firstIndex(of: 0x20) ?? line.count
        let last = line.lastIndex(of: 0x20) ?? line.count
        targetEnd = last > methodEnd ? last : line.count
    }

    var targetStart: Int { Swift.min(methodEnd + 1, line.count) }
    var queryStart: Int { line[targetStart..<targetEnd].firstIndex(of: 0x3F) ?? targetEnd }

    func range(of part: LogVariable) -> Range<Int> {
        switch part {
        case .method: 0..<methodEnd
        case .uri: targetStart..<targetEnd
        case .uriWithoutQuery: targetStart..<queryStart
        case .path: pathStart..<queryStart
        case .query: queryStart..<targetEnd
        case .version: Swift.min(targetEnd + 1, line.count)..<line.count
        default: 0..<line.count
        }
    }

    /// Behind scheme and host if there are any; a target that is no path (`*`, a CONNECT's) has none.
    var pathStart: Int {
        let end = queryStart
        guard targetStart < end else { return end }
        if line[targetStart] == 0x2F { return targetStart }
        guard let colon = line[targetStart..<end].firstIndex(of: 0x3A), colon + 2 < end, line[colon + 1] == 0x2F,
            line[colon + 2] == 0x2F
        else { return end }
        return line[(colon + 3)..<end].firstIndex(of: 0x2F) ?? end
    }
}
