// Bytes pass through one door: `Transport`. Outside the data path one type drives it, `ByteStream`.

import Foundation
import Testing

@Suite struct OneClientTests {
    /// The source files below `Sources` with a line that matches, by their names.
    private func files(matching pattern: String) throws -> Set<String> {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources")
        let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
        let expression = try Regex(pattern)
        return Set(
            try names.filter { $0.hasSuffix(".swift") }.filter { name in
                try String(contentsOf: root.appending(path: name), encoding: .utf8).contains(expression)
            })
    }

    @Test func `only a transport, and the engine that it lends the kernel to, read from and write to a connection`()
        throws
    {
        #expect(
            try files(matching: #"\bkernel\.(send|receive|sendFile)\("#) == [
                "Transport/Transport.swift", "Transport/EncryptedTransport.swift", "TLS/TLSEngine.swift",
            ])
    }

    @Test func `the system is asked to send and receive by its kernel, and by two outputs that are no connections`()
        throws
    {
        let calls = try files(
            matching:
                #"\b(recv|recvfrom|recvmsg|sendto|sendmsg|clinux_receive|clinux_send|clinux_connect)\(|Glibc\.send\(|unsafe send\("#
        )
        let others: Set = [
            // Datagrams, and descriptors that the process was started with.
            "Logging/DatagramOutput.swift", "Logging/StreamOutput.swift",
        ]
        #expect(calls.filter { !$0.hasPrefix("Reactor/") } == others)
    }

    @Test func `checks, fetched responses, the runtime socket and log servers are the users of one client`() throws {
        #expect(
            try files(matching: #"try ByteStream\("#) == [
                "Control/CheckConnecting.swift", "Control/ResponderExchange.swift", "Control/RuntimeSocket.swift",
                "Logging/RingForwarder.swift",
            ])
    }
}
