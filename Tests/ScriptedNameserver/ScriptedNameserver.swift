// A nameserver that follows a script: it answers, lies, refuses, or does not reply, over UDP and TCP.

internal import Basics
import Foundation
import Glibc

/// Listens on a port of 127.0.0.1, over UDP and TCP, until it is stopped or deinitialised.
public final class ScriptedNameserver: Sendable {
    public enum Kind: UInt16, Sendable { case v4 = 1, v6 = 28, services = 33 }

    /// An SRV record.
    public struct Service: Sendable {
        let priority, weight, port: UInt16
        let target: String

        public init(_ target: String, port: Int, priority: UInt16 = 0, weight: UInt16 = 0) {
            self.target = target
            self.port = UInt16(port)
            self.priority = priority
            self.weight = weight
        }
    }

    /// A query that was received.
    public struct Question: Sendable, Equatable {
        public let name: String
        /// What is queried for; nil for any other type.
        public let kind: Kind?
        public let isTCP: Bool
        /// The maximum size of a response over UDP, if the query announces one (EDNS).
        public let payloadBytes: Int?
        /// 1 for the first query of this name and type.
        public let number: Int
    }

    /// The response to a query.
    public enum Answer: Sendable {
        /// The addresses of the queried family. If there is none: the name exists, and has no such address.
        case addresses([String])
        /// SRV records, whatever is queried for.
        case services([Service])
        /// An alias, and its addresses.
        case alias(String, [String])
        /// NXDOMAIN, REFUSED, or another code.
        case noSuchName, refused
        case code(UInt8)
        case silence
        /// An empty datagram.
        case nothing
        /// Over UDP: truncated. Over TCP: the addresses.
        case truncated([String])
        /// The correct answer with a wrong identifier, or to another question.
        case wrongIdentifier([String])
        case wrongQuestion([String])
        /// These bytes after the identifier.
        case bytes([UInt8])
        /// These records, valid or not, after a header with this count.
        case records(count: UInt16, [UInt8])
        /// The same, delayed by this many milliseconds.
        indirect case late(Int, Answer)
    }

    public typealias Script = @Sendable (Question) -> Answer

    public let port: Int
    private let script: Script
    private let datagrams: Int32
    private let listener: Int32
    private let wakeEnds: (reads: Int32, writes: Int32)
    private let asked = Lock<[Question]>([])

    /// - Parameter listensToTCP: whether it accepts TCP connections.
    public init(listensToTCP: Bool = true, _ script: @escaping Script) throws {
        self.script = script
        (datagrams, listener, port) = try Self.open(listensToTCP: listensToTCP)
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw Fault("no pipe") }
        wakeEnds = (ends[0], ends[1])
        let (datagrams, listener, wake) = (datagrams, listener, ends[0])
        Thread.detachNewThread { [weak self] in
            var connections: [Int32] = []
            defer { for socket in connections + [datagrams, listener, wake] where socket >= 0 { close(socket) } }
            while true {
                var polled = ([wake, datagrams, listener] + connections).map {
                    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
                }
                guard unsafe poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { return }
                guard polled[0].revents == 0, let self else { return }
                if polled[1].revents != 0 { takeDatagram() }
                if polled[2].revents != 0 {
                    let connection = accept(listener, nil, nil)
                    // Not inherited by programs that are started meanwhile.
                    _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                    connections.append(connection)
                }
                for entry in polled.dropFirst(3) where entry.revents != 0 && !takeMessage(on: entry.fd) {
                    close(entry.fd)
                    connections.removeAll { $0 == entry.fd }
                }
            }
        }
    }

    /// Responds with the addresses of a name; other names do not exist.
    public convenience init(_ names: [String: [String]]) throws {
        try self.init { question in names[question.name].map { .addresses($0) } ?? .noSuchName }
    }

    deinit { close(wakeEnds.writes) }

    /// The queries received so far.
    public var questions: [Question] { asked.withLock { $0 } }

    /// How often a name was queried.
    public func count(of name: String, _ kind: Kind? = nil) -> Int {
        questions.count { $0.name == name && (kind == nil || $0.kind == kind) }
    }

    public struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    // MARK: Sockets

    private static func open(listensToTCP: Bool) throws -> (datagrams: Int32, listener: Int32, port: Int) {
        for _ in 0..<100 {
            let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard bind(datagrams, port: 0), let port = port(of: datagrams) else { throw Fault("no port for UDP") }
            let stream = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            // Bound without listening, it refuses connections.
            if bind(stream, port: port), !listensToTCP || listen(stream, 16) == 0 {
                if listensToTCP { return (datagrams, stream, Int(port)) }
                close(stream)
                return (datagrams, -1, Int(port))
            }
            close(datagrams)
            close(stream)
        }
        throw Fault("no port for UDP and TCP")
    }

    private static func bind(_ socket: Int32, port: UInt16) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func port(of socket: Int32) -> UInt16? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(socket, $0, &length) }
        }
        return result == 0 ? UInt16(bigEndian: address.sin_port) : nil
    }

    private func takeDatagram() {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var from = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = unsafe withUnsafeMutablePointer(to: &from) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe recvfrom(datagrams, &bytes, bytes.count, 0, $0, &length)
            }
        }
        guard count > 0 else { return }
        reply(to: Array(bytes[..<count]), isTCP: false) { [datagrams] answer in
            var to = from
            unsafe withUnsafePointer(to: &to) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = unsafe sendto(datagrams, answer, answer.count, 0, $0, length)
                }
            }
        }
    }

    /// Reads a query over TCP, which arrives at once because it is short. Returns false at the end.
    private func takeMessage(on socket: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe recv(socket, &bytes, bytes.count, 0)
        guard count > 2 else { return false }
        reply(to: Array(bytes[2..<count]), isTCP: true) { answer in
            let message = [UInt8(answer.count >> 8), UInt8(answer.count & 0xFF)] + answer
            _ = unsafe send(socket, message, message.count, Int32(MSG_NOSIGNAL))
        }
        return true
    }

    private func reply(to message: [UInt8], isTCP: Bool, send: ([UInt8]) -> Void) {
        guard let (question, body) = read(message, isTCP: isTCP) else { return }
        asked.withLock { $0.append(question) }
        if let answer = bytes(of: script(question), to: message, question, body) { send(answer) }
    }

    // MARK: Messages (RFC 1035 section 4)

    private func read(_ message: [UInt8], isTCP: Bool) -> (Question, body: [UInt8])? {
        guard message.count > 16 else { return nil }
        var labels: [String] = []
        var at = 12
        while at < message.count, message[at] != 0 {
            let end = at + 1 + Int(message[at])
            guard end < message.count else { return nil }
            labels.append(String(decoding: message[at + 1..<end], as: UTF8.self))
            at = end
        }
        guard at + 4 < message.count else { return nil }
        let name = labels.joined(separator: ".")
        let kind = Kind(rawValue: UInt16(message[at + 1]) << 8 | UInt16(message[at + 2]))
        let extra = message[(at + 5)...]
        // The OPT record: an empty name, the type 41, and the size in place of the class (RFC 6891 section 6.1.2).
        let payload =
            extra.count >= 5 && extra.dropFirst(2).first == 41
            ? Int(extra[extra.startIndex + 3]) << 8 | Int(extra[extra.startIndex + 4]) : nil
        let question = Question(
            name: name, kind: kind, isTCP: isTCP, payloadBytes: payload, number: count(of: name, kind) + 1)
        return (question, Array(message[12..<at + 5]))
    }

    private func bytes(
        of answer: Answer, to message: [UInt8], _ question: Question, _ body: [UInt8]
    ) -> [UInt8]? {
        let identifier = Array(message[0..<2])
        func head(_ code: UInt8 = 0, count: UInt16 = 0, isTruncated: Bool = false) -> [UInt8] {
            [0x81 | (isTruncated ? 2 : 0), 0x80 | code, 0, 1, UInt8(count >> 8), UInt8(count & 0xFF), 0, 0, 0, 0]
        }
        func records(_ texts: [String], of name: [UInt8]) -> [[UInt8]] {
            texts.compactMap { text in
                question.kind.flatMap { kind in
                    Self.data(of: text, kind).map { Self.record(name: name, type: kind.rawValue, $0) }
                }
            }
        }
        func whole(_ records: [[UInt8]]) -> [UInt8] {
            var message = head(count: UInt16(records.count))
            message += body
            for record in records { message += record }
            return message
        }
        func whole(_ texts: [String]) -> [UInt8] { whole(records(texts, of: Self.sameName)) }
        switch answer {
        case .addresses(let texts): return identifier + whole(texts)
        case .services(let services):
            return identifier
                + whole(
                    services.map { service in
                        let numbers = [service.priority, service.weight, service.port].flatMap { number in
                            [UInt8(number >> 8), UInt8(number & 0xFF)]
                        }
                        return Self.record(
                            name: Self.sameName, type: Kind.services.rawValue, numbers + Self.name(service.target))
                    })
        case .alias(let name, let texts):
            let target = Self.name(name)
            let alias = Self.record(name: Self.sameName, type: 5, target)
            return identifier + whole([alias] + records(texts, of: target))
        case .noSuchName: return identifier + head(3) + body
        case .refused: return identifier + head(5) + body
        case .code(let code): return identifier + head(code) + body
        case .silence: return nil
        case .nothing: return []
        case .truncated(let texts): return identifier + (question.isTCP ? whole(texts) : head(isTruncated: true) + body)
        case .wrongIdentifier(let texts): return [identifier[0] ^ 0x55, identifier[1] ^ 0xAA] + whole(texts)
        case .wrongQuestion(let texts):
            var answer = identifier + whole(texts)
            // The first letter of the name.
            answer[13] = answer[13] == 0x7A ? 0x79 : 0x7A
            return answer
        case .bytes(let bytes): return identifier + bytes
        case .records(let count, let bytes): return identifier + head(count: count) + body + bytes
        case .late(let milliseconds, let answer):
            usleep(useconds_t(milliseconds) * 1_000)
            return self.bytes(of: answer, to: message, question, body)
        }
    }

    /// The question's name, as a pointer to it.
    private static let sameName: [UInt8] = [0xC0, 12]

    private static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    private static func record(name: [UInt8], type: UInt16, _ data: [UInt8]) -> [UInt8] {
        var record = name
        record += [UInt8(type >> 8), UInt8(type & 0xFF), 0, 1, 0, 0, 0, 60]
        record += [UInt8(data.count >> 8), UInt8(data.count & 0xFF)]
        record += data
        return record
    }

    /// An address of the queried family in bytes; nil if it is of the other, or something else was queried for.
    private static func data(of text: String, _ kind: Kind) -> [UInt8]? {
        if kind == .services { return nil }
        var bytes = [UInt8](repeating: 0, count: kind == .v4 ? 4 : 16)
        return unsafe inet_pton(kind == .v4 ? AF_INET : AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
}
