// The cookie in the first message of a client of Remote Desktop (MS-RDPBCGR section 2.2.1.1; manual, section 7.3.5).

internal import Basics
internal import Configuration
internal import Patterns

struct RemoteDesktopSample: SampleFamily {
    /// In lower case; nil for any cookie.
    let name: TableSlice?
    let isCount: Bool

    static let rows: [SampleRow] = {
        let value = row(
            "req.rdp_cookie", .string, isCount: false,
            "The value of the cookie that a Remote Desktop client begins with, of this name or of any.")
        let count = row(
            "req.rdp_cookie_cnt", .integer, isCount: true, "1 if a Remote Desktop client has begun with such a cookie.")
        return [value, value.named("rdp_cookie"), count, count.named("rdp_cookie_cnt")]
    }()

    private static func row(_ name: String, _ type: SampleType, isCount: Bool, _ summary: String) -> SampleRow {
        SampleRow(name, "([<name>])", yields: type, from: .requestBytes, summary: summary) {
            (arguments, table) throws(ConfigProblem) in
            table.payloadSamples.append(arguments.ownReference)
            let name = arguments.optionalString().map { table.keep($0.verbatimBytes.map(asciiLowercased)) }
            return .remoteDesktop(RemoteDesktopSample(name: name, isCount: isCount))
        }
    }
    func fetch(_ context: ExchangeContext, _ program: ExpressionProgram, _: inout SampleCursor) -> SampleValue? {
        var all = SampleBytes(source: .payload(.request), start: 0, count: context.requestPayload.count)
        let progress = context.withBytes(all) { bytes -> HelloProgress<Range<Int>> in
            bytes.remoteDesktopCookie { name in
                guard let wanted = self.name else { return true }
                return name.equalsIgnoringCase(program.text(wanted))
            }
        }
        switch progress {
        case .found(let range):
            if isCount { return .integer(1) }
            all.start = range.lowerBound
            all.count = range.count
            return .string(all)
        case .needsMore: context.isUndecided = context.mayGrow
        case .none: break
        }
        return isCount ? .integer(0) : nil
    }
}

extension RawSpan {
    /// The value of the cookie in a connection request, if its name is wanted.
    @inline(__always)
    fileprivate func remoteDesktopCookie(isWanted: (RawSpan) -> Bool) -> HelloProgress<Range<Int>> {
        // TPKT (RFC 1006 section 6): version 3, nothing, the length of all. X.224: its length, connection request.
        let header: [5 of UInt8?] = [3, 0, nil, nil, nil]
        for i in 0..<Swift.min(5, byteCount) { if let byte = header[i], self[i] != byte { return .none } }
        guard byteCount > 11 else { return .needsMore }
        let length = Int(self[2]) << 8 | Int(self[3])
        guard length > 11, Int(self[4]) + 5 == length, self[5] == 0xE0 else { return .none }
        guard byteCount >= length else { return .needsMore }
        let data = extracting(11..<length)
        guard data.byteCount >= 7, data.extracting(first: 7).equalsIgnoringCase("cookie:") else { return .none }
        let start = data.firstIndex(from: 7) { $0 != 0x20 && $0 != 0x09 }
        let equals = data.firstIndex(from: start) { $0 == 0x3D || $0 == 0x0D }
        guard equals < data.byteCount, data[equals] == 0x3D, isWanted(data.extracting(start..<equals)) else {
            return .none
        }
        let end = data.firstIndex(from: equals) { $0 == 0x0D || $0 == 0x0A }
        guard end + 1 < data.byteCount, data[end] == 0x0D, data[end + 1] == 0x0A else { return .none }
        return .found(11 + equals + 1..<11 + end)
    }

    fileprivate func equalsIgnoringCase(_ lowercased: RawSpan) -> Bool {
        guard byteCount == lowercased.byteCount else { return false }
        for i in 0..<byteCount where asciiLowercased(self[i]) != lowercased[i] { return false }
        return true
    }
}
