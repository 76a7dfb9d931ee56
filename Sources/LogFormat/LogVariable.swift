// The variables of log-format strings (manual, section 8.2.6). A new one needs a case, a summary and a line in `render`.

public import Basics
public import Expressions
internal import Glibc
internal import HTTP
internal import Patterns
internal import TLS

public enum LogVariable: String, CaseIterable, Sendable {
    case clientIP = "ci", clientPort = "cp", frontendIP = "fi", frontendPort = "fp"
    case sourceIP = "bi", sourcePort = "bp", serverIP = "si", serverPort = "sp"
    case frontend = "f", frontendTransport = "ft", backend = "b", server = "s"
    case date = "t", requestDate = "tr", gmtDate = "T", localDate = "Tl", requestGMTDate = "trg", requestLocalDate =
        "trl"
    case timestamp = "Ts", milliseconds = "ms"
    case requestTime = "TR", queueTime = "Tw", connectTime = "Tc", responseTime = "Tr", activeTime = "Ta"
    case totalTime = "Tt", dataTime = "Td", handshakeTime = "Th", idleTime = "Ti", requestCompleteTime = "Tq"
    case userTime = "Tu"
    case status = "ST", bytesToClient = "B", bytesFromClient = "U"
    case requestCookie = "CC", responseCookie = "CS", termination = "ts", terminationAndCookies = "tsc"
    case processConnections = "ac", frontendConnections = "fc", backendConnections = "bc", serverConnections = "sc"
    case retries = "rc", serverQueue = "sq", backendQueue = "bq"
    case requestCaptures = "hr", responseCaptures = "hs", requestCaptureList = "hrl", responseCaptureList = "hsl"
    case requestLine = "r", method = "HM", uri = "HU", uriWithoutQuery = "HP", path = "HPO", query = "HQ", version =
        "HV"
    case tlsVersion = "sslv", tlsCipher = "sslc"
    case hostname = "H", processID = "pid", requestCounter = "rt", logCounter = "lc", uniqueID = "ID"
    case origin = "OG"

    /// What it is, for the manual.
    public var summary: String {
        switch self {
        case .clientIP: "the client's address"
        case .clientPort: "the client's port"
        case .frontendIP: "the address the client connected to"
        case .frontendPort: "the port the client connected to"
        case .sourceIP: "our address on the connection to the server"
        case .sourcePort: "our port on the connection to the server"
        case .serverIP: "the server's address"
        case .serverPort: "the server's port"
        case .frontend: "the frontend's name"
        case .frontendTransport: "the frontend's name, with ~ behind it if the client's connection is encrypted"
        case .backend: "the backend's name"
        case .server: "the server's name"
        case .date: "when the connection was accepted, with milliseconds"
        case .requestDate: "when the request's first byte came, with milliseconds"
        case .gmtDate: "when the connection was accepted, in UTC"
        case .localDate: "when the connection was accepted, in local time"
        case .requestGMTDate: "when the request's first byte came, in UTC"
        case .requestLocalDate: "when the request's first byte came, in local time"
        case .timestamp: "when the connection was accepted, in seconds since 1970"
        case .milliseconds: "the milliseconds of that time"
        case .requestTime: "milliseconds to receive the request's head"
        case .queueTime: "milliseconds in queues"
        case .connectTime: "milliseconds to connect to the server"
        case .responseTime: "milliseconds until the response's head was there"
        case .activeTime: "milliseconds from the request's first byte to the end"
        case .totalTime: "milliseconds from accepting to the end"
        case .dataTime: "milliseconds to send the body"
        case .handshakeTime: "milliseconds for handshakes before the first request"
        case .idleTime: "milliseconds until the request's first byte came"
        case .requestCompleteTime: "milliseconds until the request's head was complete: Th + Ti + TR"
        case .userTime: "milliseconds from accepting to the end, without those before the request's first byte"
        case .status: "the status sent; in rules on responses the response's, as it is then"
        case .bytesToClient: "bytes sent to the client"
        case .bytesFromClient: "bytes received from the client"
        case .requestCookie: "the captured cookie of the request"
        case .responseCookie: "the captured cookie of the response"
        case .termination: "how it ended: two letters"
        case .terminationAndCookies: "how it ended: two letters, and two about the persistence cookie"
        case .processConnections: "connections of the process"
        case .frontendConnections: "connections of the frontend"
        case .backendConnections: "connections of the backend"
        case .serverConnections: "connections of the server"
        case .retries: "attempts to connect again, with + before it after a redispatch"
        case .serverQueue: "requests before this one in the server's queue"
        case .backendQueue: "requests before this one in the backend's queue"
        case .requestCaptures: "captured request fields: {a|b}"
        case .responseCaptures: "captured response fields: {a|b}"
        case .requestCaptureList: "captured request fields, each a text of its own"
        case .responseCaptureList: "captured response fields, each a text of its own"
        case .requestLine: "the request line"
        case .method: "the request's method"
        case .uri: "the request's target"
        case .uriWithoutQuery: "the request's target without the query"
        case .path: "the request's path"
        case .query: "the request's query, with its question mark"
        case .version: "the request's HTTP version"
        case .tlsVersion: "the TLS version of the client's connection"
        case .tlsCipher: "the TLS cipher of the client's connection"
        case .hostname: "this machine's name"
        case .processID: "the process's number"
        case .requestCounter: "the exchange's number in this process"
        case .logCounter: "the line's number in this frontend's log"
        case .uniqueID: "what unique-id-format made"
        case .origin: "at which point the line is written: txn_close, with option logasap txn_connect or txn_response"
        }
    }

    /// Whether it stands for something that is kept of the request or response as they were received.
    var needsCaptures: Bool {
        switch self {
        case .requestLine, .method, .uri, .uriWithoutQuery, .path, .query, .version: true
        default: isCaptureList
        }
    }

    var isCaptureList: Bool {
        switch self {
        case .requestCaptures, .responseCaptures, .requestCaptureList, .responseCaptureList: true
        default: false
        }
    }
}

extension LogVariable {
    /// Appends the variable's text. `isLine` says that missing text needs a dash.
    public func render(_ context: ExchangeContext, _ flags: Format.Flags, isLine: Bool, _ out: inout TextWriter) {
        switch self {
        case .clientIP: out.append(ipOf: context.client, flags, isLine)
        case .clientPort: out.append(portOf: context.client, flags, isLine)
        case .frontendIP: out.append(ipOf: context.local, flags, isLine)
        case .frontendPort: out.append(portOf: context.local, flags, isLine)
        case .sourceIP: out.append(ipOf: context.sourceAddress, flags, isLine)
        case .sourcePort: out.append(portOf: context.sourceAddress, flags, isLine)
        case .serverIP: out.append(ipOf: context.serverAddress, flags, isLine)
        case .serverPort: out.append(portOf: context.serverAddress, flags, isLine)

        case .frontend: out.append(text: context.frontendName, flags, isLine: isLine)
        case .frontendTransport:
            if flags.contains(.quote) { out.append(0x22) }
            out.append(text: context.frontendName, flags.subtracting(.quote), isLine: isLine)
            if context.isTLS { out.append(0x7E) }
            if flags.contains(.quote) { out.append(0x22) }
        case .backend: out.append(text: context.backendName, flags, isLine: isLine)
        case .server: out.append(text: context.serverName, flags, isLine: isLine)

        case .date: out.append(date: context.timers.acceptDate)
        case .requestDate: out.append(date: context.timers.requestDate)
        case .gmtDate: out.append(zonedDate: context.timers.acceptDate.utc)
        case .localDate: out.append(zonedDate: LocalCalendar.civil(context.timers.acceptDate))
        case .requestGMTDate: out.append(zonedDate: context.timers.requestDate.utc)
        case .requestLocalDate: out.append(zonedDate: LocalCalendar.civil(context.timers.requestDate))
        case .timestamp: out.append(number: UInt64(max(0, context.timers.acceptDate.seconds)), flags, width: 4)
        case .milliseconds: out.append(threeDigits: context.timers.acceptDate.microseconds / 1_000)

        case .requestTime: out.append(number: context.timers.requestTime)
        case .queueTime: out.append(number: context.timers.queueTime)
        case .connectTime: out.append(number: context.timers.connectTime)
        case .responseTime: out.append(number: context.timers.responseTime)
        case .activeTime: out.append(number: context.timers.activeTime, growing: isLine, context)
        case .totalTime: out.append(number: context.timers.totalTime, growing: isLine, context)
        case .dataTime: out.append(number: context.timers.dataTime)
        case .handshakeTime: out.append(number: context.timers.handshakeTime)
        case .idleTime: out.append(number: context.timers.idleTime)
        case .requestCompleteTime: out.append(number: context.timers.requestCompleteTime)
        case .userTime: out.append(number: context.timers.userTime, growing: isLine, context)

        case .status: out.append(number: context.statusSoFar)
        case .bytesToClient:
            out.append(number: Int(truncatingIfNeeded: context.outcome.bytesToClient), growing: isLine, context)
        case .bytesFromClient: out.append(number: context.outcome.bytesFromClient)

        case .requestCookie: out.append(text: context.requestCookie, flags, isLine: isLine)
        case .responseCookie: out.append(text: context.responseCookie, flags, isLine: isLine)
        case .termination, .terminationAndCookies:
            out.append(context.outcome.termination.cause.rawValue)
            out.append(context.outcome.termination.phase.rawValue)
            guard self == .terminationAndCookies else { return }
            out.append(context.outcome.termination.clientCookie.rawValue)
            out.append(context.outcome.termination.serverCookie.rawValue)

        case .processConnections: out.append(number: context.connections.process)
        case .frontendConnections: out.append(number: context.connections.frontend)
        case .backendConnections: out.append(number: context.connections.backend)
        case .serverConnections: out.append(number: context.connections.server)
        case .serverQueue: out.append(number: context.outcome.counts.serverQueue)
        case .backendQueue: out.append(number: context.outcome.counts.backendQueue)
        case .retries:
            if context.outcome.isRedispatched { out.append(0x2B) }
            out.append(number: context.outcome.retries)

        case .requestCaptures: out.append(captures: context.requestCaptures, flags)
        case .responseCaptures: out.append(captures: context.responseCaptures, flags)
        case .requestCaptureList: out.append(captureList: context.requestCaptures, flags, isLine)
        case .responseCaptureList: out.append(captureList: context.responseCaptures, flags, isLine)

        case .requestLine, .method, .uri, .uriWithoutQuery, .path, .query, .version:
            if flags.contains(.quote) { out.append(0x22) }
            out.append(requestPart: self, of: context.requestLine, flags)
            if flags.contains(.quote) { out.append(0x22) }

        case .tlsVersion: out.append(handshake: .version, context, flags, isLine)
        case .tlsCipher: out.append(handshake: .cipher, context, flags, isLine)

        case .hostname: out.append(text: Self.machineName, flags, isLine: isLine)
        case .processID: out.append(number: UInt64(getpid()), flags, width: 4)
        case .requestCounter: out.append(number: context.requestCounter, flags, width: 4)
        case .logCounter: out.append(number: context.logCounter)
        case .uniqueID: out.append(text: context.uniqueID, flags, isLine: isLine)
        case .origin:
            if flags.contains(.quote) { out.append(0x22) }
            out.append(isLine ? context.logOrigin : "unspec")
            if flags.contains(.quote) { out.append(0x22) }
        }
    }

    private static let machineName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}

extension ExchangeContext {
    /// HAProxy's name for the point at which a line of the log is written.
    fileprivate var logOrigin: StaticString {
        if handshakeFault != nil { return "sess_error" }
        switch logStep {
        case .accept: return "txn_accept"
        case .request: return "txn_request"
        case .connect: return "txn_connect"
        case .response: return "txn_response"
        case .close, .error, nil: break
        }
        if timers.ended != nil { return "txn_close" }
        return requestProbe == nil ? "txn_response" : "txn_connect"
    }

    /// The connections when the line is written; before that, for rules, those now.
    fileprivate var connections: ConnectionCounts {
        guard outcome.counts.process == 0, let site else { return outcome.counts }
        var now = outcome.counts
        now.process = site.number(.connections)
        now.frontend = site.number(.connections, ofFrontend: frontendIndex)
        if let backendIndex {
            now.backend = site.number(.connections, ofBackend: backendIndex)
            if let serverNumber { now.server = site.number(.connections, ofServer: serverNumber, in: backendIndex) }
        }
        return now
    }
}

/// What stands for parts of a request that was none.
let badRequest: StaticString = "<BADREQ>"
