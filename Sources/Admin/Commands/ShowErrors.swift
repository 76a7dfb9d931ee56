// `show errors`: what was refused last at each proxy, with the place of the fault, in HAProxy's layout.

internal import Basics

extension Command {
    static let showErrors = Command(
        "show errors", usage: "show errors [<iid>|<proxy>] [request|response]", level: .operator,
        summary: "report last request and/or response errors for each proxy"
    ) { call in
        var wanted: RefusedMessage.Side?
        if call.takeOption("request") { wanted = .request }
        if call.takeOption("response") { wanted = .response }
        let id: Int?
        switch call.words.first {
        case nil: id = nil
        case let word?:
            let named = call.context.snapshot().proxies.first { $0.name == word }?.id
            guard let found = Int(word) ?? named else { return call.say("No such proxy.") }
            id = found == -1 ? nil : found
        }
        let refused = call.context.refusedMessages()
        call.out.append("Total events captured on [")
        call.out.append(date: .now())
        call.say("] : \(refused.total)")
        for message in refused.messages where id ?? message.owner.id == message.owner.id {
            if let wanted, message.side != wanted { continue }
            message.append(to: &call.out)
        }
    }
}

extension RefusedMessage {
    func append(to out: inout [UInt8]) {
        out.append(" \n[")
        out.append(date: time)
        func place(_ what: String, _ place: Place?) -> String {
            "\(what) \(place?.name ?? "<NONE>") (#\(place?.id ?? -1))"
        }
        let server = place("server", server)
        let peer = "event #\(number), src \(client)\n"
        switch side {
        case .request:
            out.append(
                "] \(place("frontend", frontend)): invalid request\n  \(place("backend", backend)), \(server), \(peer)")
        case .response:
            out.append(
                "] \(place("backend", backend)): invalid response\n  \(place("frontend", frontend)), \(server), \(peer)"
            )
        }
        out.append("  buffer starts at \(skipped) (including 0 out), \(max(0, bufferBytes - bytes.count)) free,\n")
        out.append("  len \(bytes.count), wraps at \(bufferBytes), error at position \(position)\n")
        out.append("  H1 fault: \(reason) :\n  \n")
        appendBytes(to: &out)
    }

    /// The bytes, each line of the message on lines of its own; a `+` marks those that go on.
    private func appendBytes(to out: inout [UInt8]) {
        var next = 0
        var lineStart = 0
        while next < bytes.count {
            let row = out.count
            out.append("  ")
            out.append(decimal: next, width: 5)
            out.append(next == lineStart ? "  " : "+ ")
            while next < bytes.count {
                let byte = bytes[next]
                let text = Self.escaped(byte)
                // HAProxy's rows have 79 columns.
                guard out.count - row + text.count < 80 else { break }
                out.append(contentsOf: text)
                next += 1
                if byte == 0x0A {
                    lineStart = next
                    break
                }
            }
            out.append(0x0A)
        }
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
        let civil = time.local
        append(decimal: civil.day, width: 2)
        append("/\(CivilTime.monthNames[civil.month - 1])/")
        append(decimal: civil.year, width: 4)
        for part in [civil.hour, civil.minute, civil.second] {
            append(0x3A)
            append(decimal: part, width: 2)
        }
        append(0x2E)
        append(decimal: time.microseconds / 1_000, width: 3)
    }
}
