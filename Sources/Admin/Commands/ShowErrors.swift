// `show errors`: the last message at each proxy that was not understood, with the place of the fault, in HAProxy's layout.

internal import Basics

public enum ShowErrors: RuntimeCommand {
    public static let name = "show errors"
    public static let usage = "show errors [<iid>|<proxy>] [request|response]"
    public static let level = AccessLevel.operator
    public static let summary = "report last request and/or response errors for each proxy"

    public static func run(_ call: inout CommandCall) {
        var side: CapturedError.Side?
        if call.takeOption("request") { side = .request }
        if call.takeOption("response") { side = .response }
        var id: Int?
        if let word = call.words.first {
            guard let found = Int(word) ?? call.context.statistics.id(ofProxyNamed: word) else {
                return call.fail("No such proxy.")
            }
            if found != -1 { id = found }
        }
        let captured = call.context.capturedErrors()
        let time = call.context.wallTime
        call.say { out in
            out.append("Total events captured on [")
            out.append(date: time)
            out.append("] : \(captured.total)\n")
        }
        let wanted = captured.errors.filter { error in
            (id == nil || id == error.owner.id) && (side == nil || side == error.side)
        }
        call.say(inPieces: CapturedErrorText(errors: wanted))
    }
}

/// The errors one behind the other: of each its facts, then its bytes.
private struct CapturedErrorText: PieceProducer {
    let errors: [CapturedError]
    /// The error that is being written.
    private var index = 0
    /// Nil before its facts.
    private var next: CapturedError.BytePosition?

    init(errors: [CapturedError]) { self.errors = errors }

    /// Rows of at most 79 bytes in one piece.
    private static let rowsPerPiece = 16

    mutating func next(into out: inout [UInt8], at now: Instant) -> Bool {
        guard index < errors.count else { return false }
        guard var position = next else {
            errors[index].appendFacts(to: &out)
            next = .init()
            return true
        }
        for _ in 0..<Self.rowsPerPiece where position.next < errors[index].bytes.count {
            errors[index].appendRow(at: &position, to: &out)
        }
        if position.next < errors[index].bytes.count {
            next = position
        } else {
            next = nil
            index += 1
        }
        return true
    }
}

extension CapturedError {
    fileprivate func appendFacts(to out: inout [UInt8]) {
        out.append(" \n[")
        out.append(date: time)
        func named(_ what: String, _ place: Place?) -> String {
            "\(what) \(place?.name ?? "<NONE>") (#\(place?.id ?? -1))"
        }
        let server = named("server", server)
        let peer = "event #\(number), src \(client)\n"
        switch side {
        case .request:
            out.append(
                "] \(named("frontend", frontend)): invalid request\n  \(named("backend", backend)), \(server), \(peer)")
        case .response:
            out.append(
                "] \(named("backend", backend)): invalid response\n  \(named("frontend", frontend)), \(server), \(peer)"
            )
        }
        out.append("  buffer starts at \(skipped) (including 0 out), \(max(0, bufferBytes - bytes.count)) free,\n")
        out.append("  len \(bytes.count), wraps at \(bufferBytes), error at position \(position)\n")
        out.append("  H1 fault: \(reason) :\n  \n")
    }

    /// Where the next row begins, and the line of the message that it belongs to.
    fileprivate struct BytePosition {
        var next = 0
        var lineStart = 0
    }

    /// One row of the bytes. Each line of the message begins a row; a `+` marks the rows that go on with a line.
    fileprivate func appendRow(at position: inout BytePosition, to out: inout [UInt8]) {
        let row = out.count
        out.append("  ")
        out.append(decimal: position.next, width: 5)
        out.append(position.next == position.lineStart ? "  " : "+ ")
        while position.next < bytes.count {
            let byte = bytes[position.next]
            let text = Self.escaped(byte)
            // HAProxy's rows have 79 columns.
            guard out.count - row + text.count < 80 else { break }
            out.append(contentsOf: text)
            position.next += 1
            if byte == 0x0A {
                position.lineStart = position.next
                break
            }
        }
        out.append(0x0A)
    }

    private static func escaped(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case 0x09: Array("\\t".utf8)
        case 0x0A: Array("\\n".utf8)
        case 0x0D: Array("\\r".utf8)
        case 0x1B: Array("\\e".utf8)
        case 0x5C: Array("\\\\".utf8)
        case 0x20..<0x7F: [byte]
        default: Array("\\x".utf8) + [byte >> 4, byte & 15].map { $0 < 10 ? $0 + 0x30 : $0 + 0x37 }
        }
    }
}

extension [UInt8] {
    /// `21/Nov/2026:08:01:21.841`, where this machine is.
    fileprivate mutating func append(date time: WallTime) {
        TextWriter.append(to: &self) { $0.append(logDate: time.local, withMillisecondsOf: time) }
    }
}
