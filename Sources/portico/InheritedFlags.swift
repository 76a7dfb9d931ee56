// The flags of HAProxy's command line that the argument parser cannot handle: lists without an end mark (-sf 12 34),
// values without a blank before them (-dM0x50), and switches without a function here.
//
// Init scripts and service files pass them. Switches for what Portico does anyway are accepted silently; switches for
// an output that Portico does not have are rejected, because a tool would wait for it.

/// The flags of HAProxy, removed from the arguments before the rest is parsed.
struct InheritedFlags {
    /// `-sf`: processes that get SIGUSR1 once this one listens.
    private(set) var finishing: [Int32] = []
    /// `-st`: processes that get SIGTERM once this one listens.
    private(set) var terminating: [Int32] = []
    /// `-sf`, `-st` or `-x`: whether another process may listen on the same addresses until then.
    private(set) var takesOver = false
    /// `-x`: the runtime socket of the process whose listening sockets this one takes.
    private(set) var predecessorSocket: String?
    /// `-S`: sockets for commands to the master process. There is no master, so this process answers them itself.
    private(set) var masterSockets: [String] = []
    /// `-W` or `-Ws`: whether the exit status is to be that of HAProxy's master process.
    private(set) var actsAsMaster = false
    /// The remaining arguments.
    private(set) var rest: [String] = []

    /// Why the arguments are rejected.
    struct Refusal: Error {
        let message: String
    }

    /// Prefixes of switches without effect that include a value.
    private static let withValue = ["-dM"]

    /// Switches without effect.
    private static let switches: Set = [
        "-dF", "-dI", "-dR", "-dS", "-dT", "-dV", "-dZ", "-dc", "-de", "-dk", "-dp", "-dv",
    ]

    /// Flags that print something for developers or tools.
    private static let outputs = ["-dA", "-dC", "-dK", "-dL", "-dt"]

    /// - Parameter arguments: the arguments of the command line, without the program's name.
    init(_ arguments: [String]) throws(Refusal) {
        var next = arguments[...]
        while let argument = next.popFirst() {
            switch argument {
            case "--":
                rest.append(argument)
                rest += next
                return
            case "-sf":
                takesOver = true
                finishing += try Self.processes(&next, of: argument)
            case "-st":
                takesOver = true
                terminating += try Self.processes(&next, of: argument)
            case "-W", "-Ws": actsAsMaster = true
            case "-x":
                guard let socket = next.popFirst() else { throw Refusal(message: "-x lacks the path of a socket") }
                // Scripts mean none by it.
                if socket == "/dev/null" { break }
                takesOver = true
                predecessorSocket = socket
            case "-S":
                guard let socket = next.popFirst() else { throw Refusal(message: "-S lacks an address") }
                masterSockets.append(socket)
            case "-f", "-p", "-n", "-C", "-L", "-cc":
                // The next argument is the flag's value, even if it looks like a flag.
                rest.append(argument)
                if let value = next.popFirst() { rest.append(value) }
            case _ where Self.switches.contains(argument): break
            case _ where Self.withValue.contains(where: argument.hasPrefix): break
            case _ where Self.outputs.contains(where: argument.hasPrefix):
                throw Refusal(message: "\(argument) is known to HAProxy, but Portico does not do it yet")
            default: rest.append(argument)
            }
        }
    }

    /// The process IDs up to the next flag. There may be none, because scripts pass the output of `pidof`.
    private static func processes(
        _ next: inout ArraySlice<String>, of flag: String
    ) throws(Refusal) -> [Int32] {
        var numbers: [Int32] = []
        while let word = next.first, !word.hasPrefix("-") {
            for text in word.split(whereSeparator: \.isWhitespace) {
                // kill(2) interprets 0 and negative numbers as process groups, including this process.
                guard let number = Int32(text), number > 0 else {
                    throw Refusal(message: "\(flag): '\(text)' is not a process ID")
                }
                numbers.append(number)
            }
            next = next.dropFirst()
        }
        return numbers
    }
}
