// Clients that send requests and read responses: plain ones made of a socket, and curl.

import Foundation
import Testing

/// Sends a request over a new connection, which ends with the response.
func fetch(
    _ target: String, from port: Int, method: String = "GET", headers: String..., body: String? = nil,
    within seconds: Double = patience
) throws -> Answer {
    let connection = try Connection(to: port)
    defer { connection.close() }
    var head = "\(method) \(target) HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n"
    for header in headers { head += header + "\r\n" }
    if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
    try connection.send(head + "\r\n" + (body ?? ""))
    return try connection.receiveAnswer(to: method, within: seconds)
}

extension Connection {
    /// Sends a request over this connection, which stays open, and reads the response.
    func fetch(_ target: String, method: String = "GET", headers: String..., body: String? = nil) throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: example.test\r\n"
        for header in headers { head += header + "\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        try send(head + "\r\n" + (body ?? ""))
        return try receiveAnswer(to: method)
    }
}

/// Runs curl, which must succeed, and returns its output.
func curl(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    try curl(arguments, sourceLocation: sourceLocation)
}

func curl(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    let ended = try play(["curl", "--silent", "--show-error", "--max-time", "100"] + arguments)
    try #require(ended.exit == .status(0), "curl: \(ended.errors)", sourceLocation: sourceLocation)
    return ended.output
}

/// Sends one command to the runtime socket.
func ask(_ path: String, _ command: String) throws -> String {
    let connection = try Connection(toUnixSocket: path)
    defer { connection.close() }
    try connection.send(command + "\n")
    return String(decoding: try connection.receiveAll(), as: UTF8.self)
}
