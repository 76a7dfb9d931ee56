// Parses the target of a `log` line.

internal import Basics
internal import Configuration

extension LogTarget {
    /// The syslog port.
    private static let defaultPort: UInt16 = 514

    private static let datagramFamilies = ["udp@", "udp4@", "udp6@", "uxdg@"]
    private static let streamFamilies = ["tcp@", "tcp4@", "tcp6@", "uxst@"]

    /// Parses `stdout`, `stderr`, `fd@<number>`, `ring@<name>`, or an address or path with an optional family prefix.
    init(_ word: Word) throws(ConfigProblem) {
        switch word.text {
        case "stdout": self = .descriptor(1)
        case "stderr": self = .descriptor(2)
        case _ where word.text.hasPrefix("ring@"):
            let name = String(word.text.dropFirst(5))
            guard !name.isEmpty else {
                throw ConfigProblem("'ring@' lacks a name", at: word.range, expected: "ring@<name of a ring section>")
            }
            self = .ring(name)
        case _ where word.text.hasPrefix("backend@"):
            throw ConfigProblem(
                "logs cannot be sent to a backend yet", at: word.range,
                expected: "stdout, stderr, fd@<number>, an address, a socket's path, or ring@<name>")
        default: self = try Self.address(word)
        }
    }

    private static func address(_ word: Word) throws(ConfigProblem) -> LogTarget {
        let isStream = streamFamilies.contains { word.text.hasPrefix($0) }
        var bare = word
        for family in datagramFamilies + streamFamilies where word.text.hasPrefix(family) {
            bare.text = String(word.text.dropFirst(family.count))
            break
        }
        switch try AddressText(bare) {
        case .descriptor(let number):
            guard !isStream else {
                throw ConfigProblem(
                    "a descriptor cannot be used with a stream family", at: word.range, expected: "fd@\(number)")
            }
            return .descriptor(number)
        case .pair:
            throw ConfigProblem(
                "log lines do not go over a pair of sockets", at: word.range,
                expected: "an address, a path, or fd@<number>")
        case .path(let path): return isStream ? .stream(.path(path)) : .path(path)
        case .abstract(let name), .abstractExact(let name): return isStream ? .stream(.abstract(name)) : .abstract(name)
        case .endpoint(let host, let ports):
            guard ports.map({ $0.count == 1 }) ?? true else {
                throw ConfigProblem("a log target has one port", at: word.range)
            }
            let port = ports?.lowerBound ?? defaultPort
            switch host {
            case .ip(let address): return endpoint(address.description, port, isStream)
            case .name(let name): return endpoint(name, port, isStream)
            // As in HAProxy, a colon alone, which variables without values leave, is this machine.
            case .any where bare.text == ":": return endpoint("127.0.0.1", port, isStream)
            case .any:
                throw ConfigProblem(
                    "'\(word.text)' names no host to send to", at: word.range, expected: "<host>[:<port>]")
            }
        }
    }

    private static func endpoint(_ host: String, _ port: UInt16, _ isStream: Bool) -> LogTarget {
        isStream ? .stream(.host(host, port: port)) : .network(host: host, port: port)
    }
}
