// The responses and requests that clients and servers read, in a simple form.

import Foundation

/// A message as received: first line, fields in order with names in lower case, body without framing.
protocol Message {
    var fields: [(name: String, value: String)] { get }
    var body: [UInt8] { get }
}

extension Message {
    /// The value of the first field of this name.
    subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    /// The values of all fields of this name.
    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
    var text: String { String(decoding: body, as: UTF8.self) }
}

struct Request: Message {
    let method: String
    let target: String
    let fields: [(name: String, value: String)]
    var body: [UInt8] = []
}

struct Answer: Message {
    let version: String
    let status: Int
    let reason: String
    let fields: [(name: String, value: String)]
    var body: [UInt8] = []
}

extension Connection {
    /// Reads a response with its body. `method` is that of the request: a response to HEAD has no body.
    func receiveAnswer(to method: String = "GET", within seconds: Double = patience) throws -> Answer {
        var answer = try receiveHead(within: seconds)
        let status = answer.status
        let hasBody = method != "HEAD" && status >= 200 && status != 204 && status != 304
        if hasBody { answer.body = try receiveBody(answer.fields, untilClose: true, within: seconds) }
        return answer
    }

    /// Reads a response's head without its body.
    func receiveHead(within seconds: Double = patience) throws -> Answer {
        let head = try receive(through: "\r\n\r\n", within: seconds)
        let (first, fields) = try Self.parse(head)
        let words = first.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw StageFault("not an answer: \(first.debugDescription)")
        }
        return Answer(
            version: String(words[0]), status: status, reason: words.count > 2 ? String(words[2]) : "", fields: fields)
    }

    /// Reads a request with its body.
    func receiveRequest(within seconds: Double = patience) throws -> Request {
        var request = try receiveRequestHead(within: seconds)
        request.body = try receiveBody(request.fields, untilClose: false, within: seconds)
        return request
    }

    func receiveRequestHead(within seconds: Double = patience) throws -> Request {
        let (first, fields) = try Self.parse(try receive(through: "\r\n\r\n", within: seconds))
        let words = first.split(separator: " ")
        guard words.count == 3 else { throw StageFault("not a request: \(first.debugDescription)") }
        return Request(method: String(words[0]), target: String(words[1]), fields: fields)
    }

    private func receiveBody(
        _ fields: [(name: String, value: String)], untilClose: Bool, within seconds: Double
    ) throws -> [UInt8] {
        if fields.contains(where: { $0.name == "transfer-encoding" }) {
            return try receiveChunks(within: seconds)
        }
        if let length = fields.first(where: { $0.name == "content-length" }) {
            guard let count = Int(length.value) else { throw StageFault("content-length: \(length.value)") }
            return try receive(count: count, within: seconds)
        }
        return untilClose ? try receiveAll(within: seconds) : []
    }

    private func receiveChunks(within seconds: Double) throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try receive(through: "\r\n", within: seconds).dropLast()
            guard let count = Int(line.prefix { $0 != ";" }, radix: 16) else {
                throw StageFault("not a chunk's size: \(line.debugDescription)")
            }
            if count == 0 { break }
            body += try receive(count: count, within: seconds)
            guard try receive(count: 2, within: seconds) == [13, 10] else {
                throw StageFault("a chunk of \(count) bytes does not end where it says")
            }
        }
        while try receive(through: "\r\n", within: seconds) != "\r\n" {}
        return body
    }

    private static func parse(_ head: String) throws -> (first: String, fields: [(name: String, value: String)]) {
        // "\r\n" is one Character.
        let lines = head.split(separator: "\r\n")
        guard let first = lines.first else { throw StageFault("an empty head") }
        let fields = try lines.dropFirst().map { line in
            guard let colon = line.firstIndex(of: ":") else { throw StageFault("not a field: \(line)") }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            return (name: line[..<colon].lowercased(), value: value)
        }
        return (String(first), fields)
    }
}
